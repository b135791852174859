package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/podpass/podpass/token"
)

// serveLimit is the bare handler, run as `bench limit KEY.pem REPLY-SIZE`; it prints its address. /verify does one RSA-2048
// verification of the token in a form, /verify-json of the one in a JSON object, /plain does none.
func serveLimit(keyFile, size string) error {
	pem, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	key, err := token.ParseSigningKey(pem)
	if err != nil {
		return err
	}
	public, ok := key.Private.Public().(*rsa.PublicKey)
	if !ok {
		return errors.New("not an RSA key")
	}
	n, err := strconv.Atoi(size)
	if err != nil {
		return err
	}
	reply := bytes.Repeat([]byte("x"), n)
	mux := http.NewServeMux()
	serve := func(path string, tokenOf func(body []byte) string) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || !verify(public, tokenOf(body)) {
				http.Error(w, "refused", http.StatusForbidden)
				return
			}
			w.Write(reply)
		})
	}
	serve("/verify", formToken)
	serve("/verify-json", jsonToken)
	mux.HandleFunc("POST /plain", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			w.Write(reply)
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("ready http://%s\n", listener.Addr())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server := &http.Server{Handler: mux}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func formToken(body []byte) string {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return ""
	}
	return values.Get("WebIdentityToken")
}

func jsonToken(body []byte) string {
	var in struct{ Token string }
	if json.Unmarshal(body, &in) != nil {
		return ""
	}
	return in.Token
}

func verify(key *rsa.PublicKey, raw string) bool {
	dot := strings.LastIndexByte(raw, '.')
	if dot < 0 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(raw[dot+1:])
	if err != nil {
		return false
	}
	digest := sha256.Sum256([]byte(raw[:dot]))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
}
