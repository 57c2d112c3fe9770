package check

// The kinds of fault in names and definitions.
const (
	Circular        Code = "circular-reference"     // definitions need each other
	NameTaken       Code = "name-already-used"      // a name has a meaning already
	NameReserved    Code = "name-reserved"          // a name is a word of the language
	ExpectedName    Code = "expected-name"          // a name is needed, and something else stands there
	BadBinding      Code = "bad-binding"            // a pair (name expression) or (name type) is not one
	BadFunction     Code = "bad-function-signature" // the signature of a function is not a list of its name and arguments
	BadFunctionName Code = "bad-function-name"
	BadVariable     Code = "bad-variable-definition"
	BadMap          Code = "bad-map-definition"
	BadNFT          Code = "bad-nft-definition"
	NotResponse     Code = "public-not-response" // a public function returns something that is not a response
	PathsDiffer     Code = "return-types-differ" // two ways out of a function have different types
)

// The kinds of fault in types and in the number of things.
const (
	TypeMismatch  Code = "type-mismatch"  // an expression's type is not the one that is needed
	ArgumentCount Code = "argument-count" // too many or too few arguments
	UnknownType   Code = "unknown-type"   // a name that is not a type's
	BadType       Code = "bad-type"       // not a type
	EmptyTuple    Code = "empty-tuple"
	TooBig        Code = "too-big"     // a type's greatest value is over the bound
	OutOfBounds   Code = "bad-length"  // a length below 0
	TooDeep       Code = "too-deep"    // scopes or types nest too deep
	TooComplex    Code = "too-complex" // comparing the types of the contract is too much work
)

// The kinds of fault in what a contract uses.
const (
	UnknownVariable Code = "unknown-variable"
	UnknownFunction Code = "unknown-function"
	UnknownData     Code = "unknown-data-variable"
	UnknownMap      Code = "unknown-map"
	UnknownToken    Code = "unknown-token"
	UnknownAsset    Code = "unknown-asset"
	UnknownContract Code = "unknown-contract"
	UnknownMethod   Code = "unknown-contract-function"
	IllegalFunction Code = "illegal-function" // a native function given to map, filter or fold that cannot be
	NotFunction     Code = "not-a-function"   // the head of a list is not a name
	BadMapName      Code = "bad-map-name"
	BadTokenName    Code = "bad-token-name"
	NoAtBlock       Code = "at-block-unavailable"
)

// The kinds of fault in special forms.
const (
	BadLet            Code = "bad-let"
	IfArms            Code = "if-arms-differ"
	MatchArms         Code = "match-arms-differ"
	DefaultTypes      Code = "default-types-differ"
	BadMatchInput     Code = "bad-match-input"
	BadMatchOptional  Code = "bad-match-optional"
	BadMatchResponse  Code = "bad-match-response"
	MatchUnknown      Code = "match-type-indeterminate"
	OkUnknown         Code = "ok-type-indeterminate"
	ErrUnknown        Code = "err-type-indeterminate"
	UncheckedResponse Code = "unchecked-response" // a response that nobody looks at
	ExpectedTuple     Code = "expected-tuple"
	ExpectedOptional  Code = "expected-optional"
	ExpectedResponse  Code = "expected-response"
	ExpectedUnwrap    Code = "expected-optional-or-response"
	ExpectedSequence  Code = "expected-sequence"
	ExpectedList      Code = "expected-list-application"
	BadTupleField     Code = "bad-tuple-field-name"
	UnknownField      Code = "unknown-tuple-field"
	BadTuple          Code = "bad-tuple"
)

// The kinds of fault in calls, traits and access.
const (
	WritesInReadOnly   Code = "writes-in-read-only"
	WritesInAtBlock    Code = "writes-in-at-block"
	ExpectedContract   Code = "expected-contract-name" // contract-call? without a contract or a function's name
	ExpectedCallable   Code = "expected-callable"      // contract-call? of a constant that is no contract
	ExpectedTrait      Code = "expected-trait-reference"
	ExpectedTraitID    Code = "expected-trait-identifier"
	UnknownTrait       Code = "unknown-trait"
	UnknownTraitMethod Code = "unknown-trait-method"
	MisplacedTrait     Code = "misplaced-trait"  // a trait where a value is needed
	TraitNotStorable   Code = "trait-in-storage" // a trait in the type of a variable, a map or an asset
	BadTraitDefinition Code = "bad-trait-definition"
	TraitMethodTwice   Code = "trait-method-twice"
	BadImplementation  Code = "bad-trait-implementation"
	IncompatibleTrait  Code = "incompatible-trait"
	NotAllowance       Code = "bad-allowance-list"
	MisplacedAllowance Code = "misplaced-allowance"
	AllNotAlone        Code = "all-assets-with-others"
	AllNotHere         Code = "all-assets-not-allowed"
	NFTNotList         Code = "nft-allowance-not-list"
	TooManyAllowances  Code = "too-many-allowances"
)
