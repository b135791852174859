package policy

import (
	"cmp"
	"strconv"
	"strings"
)

// number is a decimal: exact as an integer of up to 18 digits, else a float.
type number struct {
	whole    int64
	float    float64
	integral bool
}

const exactDigits = 18 // any integer of so many digits fits into int64

func parseNumber(text string) (number, bool) {
	if text == "" || strings.Trim(text, "+-.0123456789eE") != "" {
		return number{}, false // strconv would take "inf", "0x1p3" and "1_0"
	}
	if len(text) <= exactDigits {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return number{whole: n, float: float64(n), integral: true}, true
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	return number{float: f}, err == nil
}

func (n number) compare(m number) int {
	if n.integral && m.integral {
		return cmp.Compare(n.whole, m.whole)
	}
	return cmp.Compare(n.float, m.float)
}
