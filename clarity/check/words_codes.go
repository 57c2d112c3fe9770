package check

// The kinds of fault that only calls of native functions have.
const (
	UnknownProperty Code = "unknown-property" // a get-*-info? function has no such property
	MissingProperty Code = "missing-property" // a get-*-info? function's property must be a name
	Undetermined    Code = "undetermined-type"
)
