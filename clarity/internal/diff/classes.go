package diff

import (
	"regexp"
	"strings"
)

// A reference implementation's error text, after what says where it is from, and our class of the same fault.
type class struct {
	text *regexp.Regexp
	name string
}

var beforeText = regexp.MustCompile(`(?s)^(Contract deployment runtime error: \S+ -> |Call contract function error: .* -> )?(Error calling contract function '[^']*': )?(Runtime Error: )?(Runtime error while interpreting \S+: )?`)

// classOf is the class of an error of the reference implementation, as ourClass is of ours.
func classOf(text string) string {
	text = strings.TrimSpace(text[len(beforeText.FindString(text)):])
	for _, c := range classes {
		if c.text.MatchString(text) {
			return c.name
		}
	}
	return "unknown " + text
}

func means(text, name string) class { return class{regexp.MustCompile(`^(?:` + text + `)`), name} }

var classes = []class{
	means(`(RuntimeCheck\()?(Cost|Memory)(BalanceExceeded|ComputationFailed|Overflow)|Runtime\(\w*Cost`, "run CostLimit"),
	means(`Runtime\(ArithmeticOverflow\b`, "run ArithmeticOverflow"),
	means(`Runtime\(ArithmeticUnderflow\b`, "run ArithmeticUnderflow"),
	means(`Runtime\(DivisionByZero\b`, "run DivisionByZero"),
	means(`Runtime\(Arithmetic\b`, "run Arithmetic"),
	means(`Runtime\(UnwrapFailure\b`, "run UnwrapFailure"),
	means(`Runtime\(MaxStackDepthReached\b`, "run MaxStackDepthReached"),
	means(`Runtime\(MaxContextDepthReached\b`, "run MaxContextDepthReached"),
	means(`Runtime\(UnknownBlockHeaderHash\b`, "run UnknownBlockHeaderHash"),
	means(`Runtime\(BadBlockHash\b`, "run BadBlockHash"),
	means(`Runtime\(NonPositiveTokenSupply\b`, "run NonPositiveTokenSupply"),
	means(`Runtime\(SupplyOverflow\b`, "run SupplyOverflow"),
	means(`Runtime\(SupplyUnderflow\b`, "run SupplyUnderflow"),
	means(`Runtime\(BadTypeConstruction\b`, "run BadTypeConstruction"),
	means(`Runtime\(BadNameValue\b`, "run BadNameValue"),
	means(`ShortReturn|EarlyReturn`, "run ShortReturn"),
	means(`RuntimeCheck|Unchecked`, "run Unchecked"),
	means(`\S+ is not a (read-only|public|private) function`, "run Unchecked"),
	means(`Contract '.*' does not exist`, "run Unchecked"),
	means(`Method '.*' does not exist`, "run Unchecked"),
	means(`expecting expression of type list$`, "check expected-list-application"),
	means(`expecting expression of type trait identifier`, "check expected-trait-identifier"),
	means(`expecting expression of type function`, "check not-a-function"),
	means(`use of illegal / unresolved function`, "check illegal-function"),
	means(`use of unresolved function`, "check unknown-function"),
	means(`use of unresolved variable`, "check unknown-variable"),
	means(`use of unresolved map`, "check unknown-map"),
	means(`use of unresolved persisted`, "check unknown-data-variable"),
	means(`use of unresolved contract`, "check unknown-contract"),
	means(`use of undeclared trait`, "check unknown-trait"),
	means(`expecting read-only`, "check writes-in-read-only"),
	means(`invalid tuple syntax`, "check bad-tuple"),
	means(`defining '`, "check name-already-used"),
	means(`supplied type desc`, "check bad-type"),
	means(`invalid signature for method`, "check bad-trait-implementation"),
	means(`trait '.* is not a compatible`, "check incompatible-trait"),
	means(`expected a name arg`, "check expected-name"),
	means(`invalid map definition`, "check bad-map-definition"),
	means(`invalid map name`, "check bad-map-name"),
	means(`created a type which was greater`, "check too-big"),
	means(`created a type which value size was out`, "check bad-length"),
	means(`created a type which was deeper`, "check too-deep"),
	means(`missing contract name`, "check expected-contract-name"),
	means(`invalid syntax binding`, "check bad-binding"),
	means(`detected two exec`, "check return-types-differ"),
	means(`.*RuntimeCheck\((NameAlreadyUsed|UndefinedFunction)`, "run Unchecked"),
	means(`expecting tuple`, "check expected-tuple"),
	means(`expression types returned by the arms of 'if'`, "check if-arms-differ"),
	means(`expression types returned by the arms of 'match'`, "check match-arms-differ"),
	means(`invalid variable def`, "check bad-variable-definition"),
	means(`intermediary`, "check unchecked-response"),
	means(`invalid function def`, "check bad-function-signature"),
	means(`failed to parse type`, "check unknown-type"),
	means(`expected a callable`, "check expected-callable"),
	means(`with-all-assets-unsafe must`, "check all-assets-with-others"),
	means(`with-all-assets-unsafe is not`, "check all-assets-not-allowed"),
	means(`tried to use token`, "check unknown-token"),
	means(`tried to use asset`, "check unknown-asset"),
	means(`invalid function name`, "check bad-function-name"),
	means(`expecting expression of type 'list', 'buff'`, "check expected-sequence"),
	means(`expecting expression of type 'optional' or 'resp`, "check expected-optional-or-response"),
	means(`expecting expression of type 'optional'`, "check expected-optional"),
	means(`expecting expression of type 'response'`, "check expected-response"),
	means(`contract '.*has no public`, "check unknown-contract-function"),
	means(`trait references can not`, "check trait-in-storage"),
	means(`too many allow`, "check too-many-allowances"),
	means(`with-nft allowance identifiers`, "check too-many-allowances"),
	means(`(restrict|as-contract).* expects a list`, "check bad-allowance-list"),
	means(`public functions must`, "check public-not-response"),
	means(`invalid trait def`, "check bad-trait-definition"),
	means(`expecting an token name`, "check bad-token-name"),
	means(`detected interdep`, "check circular-reference"),
	means(`cannot find field`, "check unknown-tuple-field"),
	means(`\(define-asset`, "check bad-nft-definition"),
	means(`with-nft allowance must`, "check nft-allowance-not-list"),
	means(`unexpected use of trait`, "check misplaced-trait"),
	means(`tuple types may not`, "check empty-tuple"),
	means(`method '.*unspecified`, "check unknown-trait-method"),
	means(`match on a opt`, "check bad-match-optional"),
	means(`match on a res`, "check bad-match-response"),
	means(`match requires`, "check bad-match-input"),
	means(`invalid tuple field`, "check bad-tuple-field-name"),
	means(`invalid syntax of 'let'`, "check bad-let"),
	means(`expression types passed in`, "check default-types-differ"),
	means(`expected an allowance`, "check misplaced-allowance"),
	means(`allowance expressions are`, "check misplaced-allowance"),
	means(`duplicate method`, "check trait-method-twice"),
	means(`block-height is a`, "check name-reserved"),
	means(`\(at-block ...\) is not`, "check at-block-unavailable"),
	means(`\(at-block ...\) clos`, "check writes-in-at-block"),
	means(`attempted to obtain 'ok'`, "check ok-type-indeterminate"),
	means(`attempted to obtain 'err'`, "check err-type-indeterminate"),
	means(`attempted to match`, "check match-type-indeterminate"),
	means(`trait reference expected`, "check expected-trait-reference"),
	means(`expecting (>= |<= |< |)\d+ arguments`, "check argument-count"),
	means(`expecting expression of type`, "check type-mismatch"),
	means(`Found|Tried|Expected|unexpected|.*exceeds|.*depth|expected|Illegal|Invalid`, "syntax"),
	means(`(type of expression cannot be determined|could not determine the input type)`, "check undetermined-type"),
	means(`Failed to parse`, "syntax"),
}
