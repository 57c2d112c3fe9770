package cost

import "strconv"

// Function names a cost function, as the cost contracts of SIP-006 and SIP-012 do: cost_add is Add.
type Function uint8

// The cost functions. The input of one is what package vm measures: a number of arguments, a size in bytes, or nothing.
const (
	// Reading and checking a contract, before it runs.
	AnalysisTypeAnnotate Function = iota
	AnalysisTypeCheck
	AnalysisTypeLookup
	AnalysisVisit
	AnalysisIterableFunc
	AnalysisOptionCons
	AnalysisOptionCheck
	AnalysisBindName
	AnalysisListItemsCheck
	AnalysisCheckTupleGet
	AnalysisCheckTupleMerge
	AnalysisCheckTupleCons
	AnalysisTupleItemsCheck
	AnalysisCheckLet
	AnalysisLookupFunction
	AnalysisLookupFunctionTypes
	AnalysisLookupVariableConst
	AnalysisLookupVariableDepth
	ASTParse
	ASTCycleDetection
	AnalysisStorage
	AnalysisUseTraitEntry
	AnalysisGetFunctionEntry
	AnalysisFetchContractEntry

	// Names, types and the forms that bind or branch.
	LookupVariableDepth
	LookupVariableSize
	LookupFunction
	BindName
	InnerTypeCheck
	UserFunctionApplication
	Let
	If
	Asserts

	// Sequences and tuples.
	Map
	Filter
	Len
	ElementAt
	IndexOf
	Fold
	ListCons
	TypeParseStep
	TupleGet
	TupleMerge
	TupleCons

	// Arithmetic and comparison.
	Add
	Sub
	Mul
	Div
	Geq
	Leq
	Le
	Ge
	IntCast
	Mod
	Pow
	Sqrti
	Log2
	Xor
	Not
	Eq
	Begin

	// Hashes, signatures, printing.
	Hash160
	SHA256
	SHA512
	SHA512t256
	Keccak256
	Secp256k1Recover
	Secp256k1Verify
	Print

	// Optionals and responses.
	SomeCons
	OkCons
	ErrCons
	DefaultTo
	UnwrapRet
	UnwrapErrOrRet
	Unwrap
	UnwrapErr
	IsOkay
	IsNone
	IsErr
	IsSome
	TryRet
	Match

	// Logic, and sequences that grow.
	Or
	And
	Append
	Concat
	AsMaxLen

	// Contracts and their stored data.
	ContractCall
	ContractOf
	PrincipalOf
	AtBlock
	LoadContract
	CreateMap
	CreateVar
	CreateNFT
	CreateFT
	FetchEntry
	SetEntry
	FetchVar
	SetVar
	ContractStorage

	// The chain, its coin, and tokens.
	BlockInfo
	STXBalance
	STXTransfer
	FTMint
	FTTransfer
	FTBalance
	FTGetSupply
	FTBurn
	NFTMint
	NFTTransfer
	NFTOwner
	NFTBurn

	// Since Clarity 2.
	BuffToIntLe
	BuffToUIntLe
	BuffToIntBe
	BuffToUIntBe
	IsStandard
	PrincipalDestruct
	PrincipalConstruct
	StringToInt
	StringToUInt
	IntToASCII
	IntToUTF8
	BurnBlockInfo
	STXAccount
	Slice
	ToConsensusBuff
	FromConsensusBuff
	STXTransferMemo
	ReplaceAt
	AsContract
	BitwiseAnd
	BitwiseOr
	BitwiseNot
	BitwiseLeftShift
	BitwiseRightShift

	// Since epoch 3.3.
	ContractHash
	ToASCII
	RestrictAssets
	AsContractSafe
	Secp256r1Verify

	// Since epoch 4.0.
	Ed25519Verify
	VerifyMerkleProof
	GetBitcoinTxOutput
	Secp256k1Decompress

	functions // how many there are
)

// String returns the name in the cost contracts.
func (f Function) String() string {
	if f < functions {
		return "cost_" + table[f].name
	}
	return "cost_" + strconv.Itoa(int(f))
}
