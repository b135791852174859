// Package session mints, seals and opens temporary credentials.
//
// A session is stateless. Everything it stands for travels inside its session token, encrypted under a key of a Ring that every replica holds, so
// issuing a session writes nothing and checking one looks nothing up. Whether its role still exists, whether it has expired and whether it
// has been revoked are the caller's questions: Open only says that this installation minted it, for this access key id.
//
// # The token
//
//	base64( version | ring key id (4) | nonce (24) | XChaCha20-Poly1305( payload ) )
//
// The associated data is the version, the ring key id and the access key id. The nonce is random and long enough never to repeat. Each ring
// key yields two independent subkeys by HKDF-SHA256: one seals; the other derives the secret access key and the tail of the access key id
// from the session's random 128-bit id. So neither the secret nor the access key id is stored or sent inside the token.
//
// The package is pure (clock and randomness are passed in) and imports only identity of this project.
package session
