package identity

// PodIdentity is the service principal that EKS Pod Identity assumes roles as, in every partition, and the audience of the tokens it takes.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
const PodIdentity = "pods.eks.amazonaws.com"

// STS is the audience of the tokens that pods give to STS themselves, in every partition.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
const STS = "sts.amazonaws.com"
