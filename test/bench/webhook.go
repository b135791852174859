package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/podpass/podpass/webhook"
)

// admission measures the webhook: reviews with nothing behind it, reviews before a real API server, and its memory.
func admission(ctx context.Context, podpass, dir string, rounds int, round time.Duration) error {
	certificate, key, roots, err := localCertificate(dir)
	if err != nil {
		return err
	}
	if err := stubbed(dir, certificate, key, roots, rounds, round); err != nil {
		return err
	}
	return before(ctx, podpass, dir, certificate, key, roots, rounds, round)
}

// stubbed measures reviews with the lookup of service accounts stubbed, against a bare handler over TLS that reads the body and writes the same reply.
func stubbed(dir, certificate, key string, roots *x509.CertPool, rounds int, round time.Duration) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	hook, err := start(self, "reviews", certificate, key)
	if err != nil {
		return err
	}
	defer hook.stop()
	for _, account := range []string{annotated, bare} {
		if err := reviews(dir, self, certificate, key, roots, hook.url, account, rounds, round); err != nil {
			return err
		}
	}
	resident, peak, err := hook.resident()
	if err != nil {
		return err
	}
	report("resident after the load, and at most", fmt.Sprintf("%d MB, %d MB", resident/1e6, peak/1e6), "reported")
	return nil
}

// reviews are those of one account's pods.
func reviews(dir, self, certificate, key string, roots *x509.CertPool, hook, account string, rounds int, round time.Duration) error {
	body, err := reviewOf(account)
	if err != nil {
		return err
	}
	reply, err := post(hook+webhook.PathMutate, roots, body)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, account+".json")
	if err := os.WriteFile(file, reply, 0o600); err != nil {
		return err
	}
	bareHandler, err := start(self, "reviews", certificate, key, file)
	if err != nil {
		return err
	}
	defer bareHandler.stop()
	patched := account == annotated
	say(fmt.Sprintf("admission review of a pod that is %s, %d connections over TLS, lookup stubbed, review of %d bytes, reply of %d", patchedOrNot(patched),
		reviewConnections, len(body), len(reply)))
	limit, err := newReviewer("limit: bare handler, reads the body", bareHandler.url, roots, []string{account}, patched)
	if err != nil {
		return err
	}
	defer limit.close()
	ours, err := newReviewer("podpass", hook, roots, []string{account}, patched)
	if err != nil {
		return err
	}
	defer ours.close()
	if err := compareReviews(rounds, round, limit, ours); err != nil {
		return err
	}
	reviewRow(limit, nil)
	reviewRow(ours, limit)
	return nil
}

func patchedOrNot(patched bool) string {
	if patched {
		return "patched"
	}
	return "not patched"
}

// post sends one review and gives the answer.
func post(url string, roots *x509.CertPool, body []byte) ([]byte, error) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}, Timeout: 10 * time.Second}
	response, err := client.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the webhook answered %s: %s", response.Status, answer)
	}
	return answer, err
}

// localCertificate is one for 127.0.0.1, signed by itself, of the kind the webhook makes.
func localCertificate(dir string) (certificate, key string, roots *x509.CertPool, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return "", "", nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", nil, err
	}
	certificate, key = filepath.Join(dir, "webhook.crt"), filepath.Join(dir, "webhook.key")
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(certificate, public, 0o600); err != nil {
		return "", "", nil, err
	}
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600); err != nil {
		return "", "", nil, err
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(public)
	return certificate, key, roots, nil
}
