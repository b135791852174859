package identity

import "strings"

// ValidClusterName reports whether name is one EKS admits: 1–100 characters, [0-9A-Za-z][A-Za-z0-9_-]*.
func ValidClusterName(name string) bool {
	const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return name != "" && len(name) <= 100 && strings.IndexByte(alphanumeric, name[0]) >= 0 && strings.Trim(name, alphanumeric+"-_") == ""
}
