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

var beforeText = regexp.MustCompile(`(?s)^(Contract deployment runtime error: \S+ -> |Call contract function error: .* -> )?(Error calling contract function '[^']*': )?(Runtime error while interpreting \S+: )?`)

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

func c(text, name string) class { return class{regexp.MustCompile(`^(?:` + text + `)`), name} }

var classes = []class{
	c(`Runtime\(ArithmeticOverflow\b`, "run ArithmeticOverflow"),
	c(`Runtime\(ArithmeticUnderflow\b`, "run ArithmeticUnderflow"),
	c(`Runtime\(DivisionByZero\b`, "run DivisionByZero"),
	c(`Runtime\(Arithmetic\b`, "run Arithmetic"),
	c(`Runtime\(UnwrapFailure\b`, "run UnwrapFailure"),
	c(`Runtime\(MaxStackDepthReached\b`, "run MaxStackDepthReached"),
	c(`Runtime\(MaxContextDepthReached\b`, "run MaxContextDepthReached"),
	c(`Runtime\(UnknownBlockHeaderHash\b`, "run UnknownBlockHeaderHash"),
	c(`Runtime\(BadBlockHash\b`, "run BadBlockHash"),
	c(`Runtime\(NonPositiveTokenSupply\b`, "run NonPositiveTokenSupply"),
	c(`Runtime\(SupplyOverflow\b`, "run SupplyOverflow"),
	c(`Runtime\(SupplyUnderflow\b`, "run SupplyUnderflow"),
	c(`Runtime\(BadTypeConstruction\b`, "run BadTypeConstruction"),
	c(`Runtime\(BadNameValue\b`, "run BadNameValue"),
	c(`(Cost|Memory)(BalanceExceeded|ComputationFailed|Overflow)|Runtime\(\w*Cost`, "run CostLimit"),
	c(`ShortReturn|EarlyReturn`, "run ShortReturn"),
	c(`RuntimeCheck|Unchecked`, "run Unchecked"),
	c(`\S+ is not a (read-only|public|private) function`, "run Unchecked"),
	c(`Contract '.*' does not exist`, "run Unchecked"),
	c(`Method '.*' does not exist`, "run Unchecked"),
	c(`expecting expression of type list$`, "check expected-list-application"),
	c(`expecting expression of type trait identifier`, "check expected-trait-identifier"),
	c(`expecting expression of type function`, "check not-a-function"),
	c(`use of illegal / unresolved function`, "check illegal-function"),
	c(`use of unresolved function`, "check unknown-function"),
	c(`use of unresolved variable`, "check unknown-variable"),
	c(`use of unresolved map`, "check unknown-map"),
	c(`use of unresolved persisted`, "check unknown-data-variable"),
	c(`use of unresolved contract`, "check unknown-contract"),
	c(`use of undeclared trait`, "check unknown-trait"),
	c(`expecting read-only`, "check writes-in-read-only"),
	c(`invalid tuple syntax`, "check bad-tuple"),
	c(`defining '`, "check name-already-used"),
	c(`supplied type desc`, "check bad-type"),
	c(`invalid signature for method`, "check bad-trait-implementation"),
	c(`trait '.* is not a compatible`, "check incompatible-trait"),
	c(`expected a name arg`, "check expected-name"),
	c(`invalid map definition`, "check bad-map-definition"),
	c(`invalid map name`, "check bad-map-name"),
	c(`created a type which was greater`, "check too-big"),
	c(`created a type which value size was out`, "check bad-length"),
	c(`created a type which was deeper`, "check too-deep"),
	c(`missing contract name`, "check expected-contract-name"),
	c(`invalid syntax binding`, "check bad-binding"),
	c(`detected two exec`, "check return-types-differ"),
	c(`.*RuntimeCheck\((NameAlreadyUsed|UndefinedFunction)`, "run Unchecked"),
	c(`expecting tuple`, "check expected-tuple"),
	c(`expression types returned by the arms of 'if'`, "check if-arms-differ"),
	c(`expression types returned by the arms of 'match'`, "check match-arms-differ"),
	c(`invalid variable def`, "check bad-variable-definition"),
	c(`intermediary`, "check unchecked-response"),
	c(`invalid function def`, "check bad-function-signature"),
	c(`failed to parse type`, "check unknown-type"),
	c(`expected a callable`, "check expected-callable"),
	c(`with-all-assets-unsafe must`, "check all-assets-with-others"),
	c(`with-all-assets-unsafe is not`, "check all-assets-not-allowed"),
	c(`tried to use token`, "check unknown-token"),
	c(`tried to use asset`, "check unknown-asset"),
	c(`invalid function name`, "check bad-function-name"),
	c(`expecting expression of type 'list', 'buff'`, "check expected-sequence"),
	c(`expecting expression of type 'optional' or 'resp`, "check expected-optional-or-response"),
	c(`expecting expression of type 'optional'`, "check expected-optional"),
	c(`expecting expression of type 'response'`, "check expected-response"),
	c(`contract '.*has no public`, "check unknown-contract-function"),
	c(`trait references can not`, "check trait-in-storage"),
	c(`too many allow`, "check too-many-allowances"),
	c(`with-nft allowance identifiers`, "check too-many-allowances"),
	c(`(restrict|as-contract).* expects a list`, "check bad-allowance-list"),
	c(`public functions must`, "check public-not-response"),
	c(`invalid trait def`, "check bad-trait-definition"),
	c(`expecting an token name`, "check bad-token-name"),
	c(`detected interdep`, "check circular-reference"),
	c(`cannot find field`, "check unknown-tuple-field"),
	c(`\(define-asset`, "check bad-nft-definition"),
	c(`with-nft allowance must`, "check nft-allowance-not-list"),
	c(`unexpected use of trait`, "check misplaced-trait"),
	c(`tuple types may not`, "check empty-tuple"),
	c(`method '.*unspecified`, "check unknown-trait-method"),
	c(`match on a opt`, "check bad-match-optional"),
	c(`match on a res`, "check bad-match-response"),
	c(`match requires`, "check bad-match-input"),
	c(`invalid tuple field`, "check bad-tuple-field-name"),
	c(`invalid syntax of 'let'`, "check bad-let"),
	c(`expression types passed in`, "check default-types-differ"),
	c(`expected an allowance`, "check misplaced-allowance"),
	c(`allowance expressions are`, "check misplaced-allowance"),
	c(`duplicate method`, "check trait-method-twice"),
	c(`block-height is a`, "check name-reserved"),
	c(`\(at-block ...\) is not`, "check at-block-unavailable"),
	c(`\(at-block ...\) clos`, "check writes-in-at-block"),
	c(`attempted to obtain 'ok'`, "check ok-type-indeterminate"),
	c(`attempted to obtain 'err'`, "check err-type-indeterminate"),
	c(`attempted to match`, "check match-type-indeterminate"),
	c(`trait reference expected`, "check expected-trait-reference"),
	c(`expecting (>= |<= |< |)\d+ arguments`, "check argument-count"),
	c(`expecting expression of type`, "check type-mismatch"),
	c(`Found|Tried|Expected|unexpected|.*exceeds|.*depth|expected|Illegal|Invalid`, "syntax"),
}
