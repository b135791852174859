package negative

import (
	"encoding/base64"
	"strings"
)

// tokenShape: texts that some decoder somewhere takes for a token.
func tokenShape(w *world) []probe {
	good := w.sign(w.claims())
	parts := strings.Split(good, ".")
	const jwt = "InvalidIdentityToken"
	return []probe{
		w.badToken("three characters", "ValidationError", w.why("Member must have length greater than or equal to 4", "token does not have three parts"), "abc"),
		w.badToken("20,001 characters", "ValidationError", w.why("Member must have length less than or equal to 20000", "token is longer than 20000 bytes"), strings.Repeat("e", 20001)),
		w.badToken("no dots", jwt, "token does not have three parts", strings.Repeat("e", 300)),
		w.badToken("two parts", jwt, "token does not have three parts", parts[0]+"."+parts[1]),
		w.badToken("four parts", jwt, "token does not have three parts", good+"."+parts[2]),
		w.badToken("five parts, as an encrypted token has", jwt, "token does not have three parts", good+".."+parts[2]),
		w.badToken("without a signature", jwt, "token has no signature", parts[0]+"."+parts[1]+"."),
		w.badToken("without a header", jwt, "expected '{'", "."+parts[1]+"."+parts[2]),
		w.badToken("without claims", jwt, "expected '{'", parts[0]+".."+parts[2]),
		w.badToken("newline behind", jwt, "token signature: not canonical unpadded base64url", good+"\n"),
		w.badToken("carriage return and newline behind", jwt, "token signature: not canonical unpadded base64url", good+"\r\n"),
		w.badToken("newline inside the signature", jwt, "token signature: not canonical unpadded base64url", good[:len(good)-40]+"\n"+good[len(good)-40:]),
		w.badToken("newline inside the claims", jwt, "not canonical unpadded base64url", parts[0]+"."+parts[1][:20]+"\n"+parts[1][20:]+"."+parts[2]),
		w.badToken("space in front", jwt, "not canonical unpadded base64url", " "+good),
		w.badToken("NUL behind", jwt, "token signature: not canonical unpadded base64url", good+"\x00"),
		w.badToken("Bearer in front", jwt, "not canonical unpadded base64url", "Bearer "+good),
		w.badToken("padded", jwt, "token signature: not canonical unpadded base64url", good+"=="),
		w.badToken("percent-encoded twice", jwt, "token does not have three parts", strings.ReplaceAll(good, ".", "%2E")),
		w.badToken("standard base64", jwt, "token signature: not canonical unpadded base64url", parts[0]+"."+parts[1]+"."+base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\xfb\xff\xfe", 85)))),
		w.badToken("unused bits of the signature's last character", jwt, "token signature: not canonical unpadded base64url", twin(good)),
		w.badToken("unused bits of the claims' last character", jwt, "not canonical unpadded base64url", parts[0]+"."+twin(parts[1])+"."+parts[2]),
		w.badToken("JSON serialisation", jwt, "token does not have three parts", `{"protected":"`+parts[0]+`","payload":"`+parts[1]+`","signature":"`+parts[2]+`"}`),
		w.badToken("two tokens", jwt, "token does not have three parts", good+","+good),
	}
}

// twin is another text that a lenient decoder reads as the same bytes: its last character differs in bits that stand for nothing.
func twin(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, text[len(text)-1])
	return text[:len(text)-1] + alphabet[last^1:last^1+1]
}
