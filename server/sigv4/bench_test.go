package sigv4_test

import "testing"

func BenchmarkVerify(b *testing.B) {
	r, body := signed{body: form, header: formHeader, token: "FwoGZXIvYXdzEA=="}.request(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := verify(r, body, rules()); err != nil {
			b.Fatal(err)
		}
	}
}
