package sigv4_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// byHand is the Authorization header of a canonical request, from the text of AWS's description and not from any implementation.
func byHand(canonical, headers string) string {
	const scope = "20261122/us-west-2/sts/aws4_request"
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	key := mac(mac(mac(mac([]byte("AWS4"+secret), "20261122"), "us-west-2"), "sts"), "aws4_request")
	signature := mac(key, "AWS4-HMAC-SHA256\n20261122T040506Z\n"+scope+"\n"+hexHash(canonical))
	return "AWS4-HMAC-SHA256 Credential=" + keyID + "/" + scope + ",SignedHeaders=" + headers + ",Signature=" + hex.EncodeToString(signature)
}
