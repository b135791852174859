// Package webhook decides which AWS identity a pod gets at its admission, and writes it into the pod as a JSON patch.
//
// It owns the decision (Decide), the patch (Patch), both pure, the reasons given for them, and the HTTP handler around them. A pod is
// changed as Amazon's pod identity webhook changes it, so that either can stand in for the other; where this one differs, it says less
// (only what is added is in the patch) and explains more (nothing is skipped without a reason).
//
// It refuses to guess: an account that cannot be read and an association that may have changed are said to be so, and pods that asked for
// it (see PathRequired) are not admitted on such ground.
//
// It imports package identity, and reads service accounts, associations and mappings through the interfaces below; what implements them
// is in the packages under it.
package webhook
