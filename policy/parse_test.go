package policy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/policy"
)

const (
	v2012 = `"Version":"2012-10-17",`
	ok    = `"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b"`
)

// identityDoc wraps the members of one statement.
func identityDoc(statement string) string {
	return `{` + v2012 + `"Statement":{` + statement + `}}`
}

func resourceDoc(resource string) string {
	return identityDoc(`"Effect":"Allow","Action":"s3:ListBucket","Resource":` + resource)
}

func conditionDoc(condition string) string { return identityDoc(ok + `,"Condition":` + condition) }

func trustDoc(statement string) string {
	return `{` + v2012 + `"Statement":[{` + statement + `}]}`
}

func TestParseRefusesIdentity(t *testing.T) {
	const (
		syntax     = "Syntax errors in policy."
		legacy     = "The policy failed legacy parsing"
		version    = "Policy document must be version 2012-10-17 or greater."
		actions    = "Policy statement must contain actions."
		resources  = "Policy statement must contain resources."
		vendor     = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
		colon      = "Actions/Condition can contain only one colon."
		qualified  = "Resource vendor must be fully qualified and cannot contain regexes."
		unique     = "Statement IDs (SID) in a single policy must be unique."
		alnum      = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
		principal  = "Policy document should not specify a principal."
		iamPath    = `IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.`
		arnOrStar  = `Resource %s must be in ARN format or "*".`
		partitions = `Partition "%s" is not valid for resource "%s".`
	)
	for name, c := range map[string]struct{ text, want string }{
		"no JSON":                          {"This is not JSON", syntax},
		"empty":                            {"", syntax},
		"white space":                      {" \n", syntax},
		"an array":                         {"[]", syntax},
		"a string":                         {`"x"`, syntax},
		"cut off":                          {`{"Version":"2012-10-17","Statement":[`, syntax},
		"trailing text":                    {identityDoc(ok) + "x", syntax},
		"second document":                  {identityDoc(ok) + identityDoc(ok), syntax},
		"trailing comma":                   {identityDoc(ok + ","), syntax},
		"comment":                          {identityDoc(ok) + "// x", syntax},
		"byte order mark":                  {"\ufeff" + identityDoc(ok), syntax},
		"not UTF-8":                        {identityDoc(ok + `,"Sid":"` + "\xff" + `"`), syntax},
		"half a surrogate pair":            {identityDoc(ok + `,"Sid":"\ud800"`), syntax},
		"unknown escape":                   {identityDoc(ok + `,"Sid":"\x41"`), syntax},
		"control character":                {identityDoc(ok + `,"Sid":"` + "a\nb" + `"`), syntax},
		"single quotes":                    {`{'Version':'2012-10-17'}`, syntax},
		"leading zero":                     {conditionDoc(`{"NumericEquals":{"a":01}}`), syntax},
		"bare decimal point":               {conditionDoc(`{"NumericEquals":{"a":1.}}`), syntax},
		"no version":                       {`{"Statement":{` + ok + `}}`, version},
		"version of 2008":                  {`{"Version":"2008-10-17","Statement":{` + ok + `}}`, version},
		"unknown version":                  {`{"Version":"2013-10-17","Statement":{` + ok + `}}`, syntax},
		"version is a number":              {`{"Version":2012,"Statement":{` + ok + `}}`, syntax},
		"version comes before effect":      {`{"Statement":{"Effect":"denY","Action":"s3:x","Resource":"*"}}`, version},
		"version comes before dates":       {`{"Statement":{` + ok + `,"Condition":{"DateEquals":{"a":"x"}}}}`, version},
		"version comes before sids":        {`{"Statement":[{"Sid":"a",` + ok + `},{"Sid":"a","Effect":"Allow"}]}`, version},
		"no statement":                     {`{"Version":"2012-10-17"}`, syntax},
		"no statements":                    {`{` + v2012 + `"Statement":[]}`, syntax},
		"statement is a string":            {`{` + v2012 + `"Statement":["x"]}`, syntax},
		"statement is null":                {`{` + v2012 + `"Statement":null}`, syntax},
		"unknown top element":              {`{` + v2012 + `"Statement":{` + ok + `},"Extra":1}`, syntax},
		"top element in lower case":        {`{` + v2012 + `"statement":{` + ok + `}}`, syntax},
		"unknown statement element":        {identityDoc(ok + `,"Extra":1`), syntax},
		"element in lower case":            {identityDoc(ok + `,"sid":"a"`), syntax},
		"id is a list":                     {`{` + v2012 + `"Id":["a"],"Statement":{` + ok + `}}`, syntax},
		"id is an object":                  {`{` + v2012 + `"Id":{},"Statement":{` + ok + `}}`, syntax},
		"duplicate Statement":              {`{` + v2012 + `"Statement":{` + ok + `},"Statement":{` + ok + `}}`, syntax},
		"duplicate Effect":                 {identityDoc(`"Effect":"Deny",` + ok), syntax},
		"duplicate Effect by escape":       {identityDoc(`"\u0045ffect":"Deny",` + ok), syntax},
		"duplicate operator":               {conditionDoc(`{"Bool":{"a":"true"},"Bool":{"b":"true"}}`), syntax},
		"duplicate condition key":          {conditionDoc(`{"Bool":{"a":"true","a":"false"}}`), syntax},
		"no effect":                        {identityDoc(`"Action":"s3:x","Resource":"*"`), syntax},
		"effect of nothing":                {identityDoc(`"Effect":"","Action":"s3:x","Resource":"*"`), syntax},
		"unknown effect":                   {identityDoc(`"Effect":"Permit","Action":"s3:x","Resource":"*"`), syntax},
		"effect is a list":                 {identityDoc(`"Effect":["Allow"],"Action":"s3:x","Resource":"*"`), syntax},
		"effect in another case":           {identityDoc(`"Effect":"denY","Action":"s3:x","Resource":"*"`), legacy},
		"effect before resource":           {identityDoc(`"Effect":"allow","Resource":"arn:aws:s3:us-east-1::x"`), legacy},
		"effect before sids":               {`{` + v2012 + `"Statement":[{"Sid":"a","Effect":"aLLow","Action":"s3:x","Resource":"*"},{"Sid":"a","Effect":"Allow"}]}`, legacy},
		"no action":                        {identityDoc(`"Effect":"Allow","Resource":"*"`), actions},
		"neither":                          {identityDoc(`"Effect":"Allow"`), actions},
		"no actions":                       {identityDoc(`"Effect":"Allow","Action":[],"Resource":"*"`), actions},
		"no action in the first":           {`{` + v2012 + `"Statement":[{"Effect":"Deny"},{` + ok + `}]}`, actions},
		"action is an object":              {identityDoc(`"Effect":"Allow","Action":{},"Resource":"*"`), syntax},
		"action is a list of lists":        {identityDoc(`"Effect":"Allow","Action":[[]],"Resource":"*"`), syntax},
		"action is a number":               {identityDoc(`"Effect":"Allow","Action":7,"Resource":"*"`), syntax},
		"both actions":                     {identityDoc(ok + `,"NotAction":"s3:x"`), syntax},
		"both actions, one empty":          {identityDoc(`"Effect":"Allow","Action":[],"NotAction":"s3:x","Resource":"*"`), syntax},
		"action without a vendor":          {identityDoc(`"Effect":"Allow","Action":"invalid","Resource":"*"`), vendor},
		"vendor before resources":          {identityDoc(`"Effect":"Allow","Action":"invalid"`), vendor},
		"empty NotAction":                  {identityDoc(`"Effect":"Allow","NotAction":"","Resource":"*"`), vendor},
		"vendor with a space":              {identityDoc(`"Effect":"Allow","Action":"a a:ListBucket","Resource":"*"`), "Vendor a a is not valid"},
		"vendor with a wildcard":           {identityDoc(`"Effect":"Allow","Action":"s3*:ListBucket","Resource":"*"`), "Vendor s3* is not valid"},
		"vendor of nothing":                {identityDoc(`"Effect":"Allow","Action":":ListBucket","Resource":"*"`), "Vendor  is not valid"},
		"two colons":                       {identityDoc(`"Effect":"Allow","Action":"s3:List:Bucket","Resource":"*"`), colon},
		"two colons in the second":         {`{` + v2012 + `"Statement":[{` + ok + `},{"Effect":"Allow","Action":"s:3s:L","Resource":"*"}]}`, colon},
		"no resource":                      {identityDoc(`"Effect":"Allow","Action":"s3:x"`), resources},
		"no resources":                     {resourceDoc(`[]`), resources},
		"no NotResources":                  {identityDoc(`"Effect":"Allow","Action":"s3:x","NotResource":[]`), resources},
		"resource is an object":            {resourceDoc(`{"a":"arn:aws:s3:::b"}`), syntax},
		"resource list with an object":     {resourceDoc(`["adfdf",{}]`), syntax},
		"both resources":                   {identityDoc(ok + `,"NotResource":"*"`), syntax},
		"both resources, one empty":        {identityDoc(ok + `,"NotResource":[]`), syntax},
		"resource is a word":               {resourceDoc(`"invalid resource"`), fmt.Sprintf(arnOrStar, "invalid resource")},
		"resource is empty":                {resourceDoc(`""`), fmt.Sprintf(arnOrStar, "")},
		"resource list of a word":          {resourceDoc(`["adf"]`), fmt.Sprintf(arnOrStar, "adf")},
		"resource before actions":          {identityDoc(`"Effect":"Allow","Action":"s:3:L","Resource":"sdf"`), fmt.Sprintf(arnOrStar, "sdf")},
		"not an ARN":                       {resourceDoc(`"urn:aws:s3:::b"`), fmt.Sprintf(arnOrStar, "urn:aws:s3:::b")},
		"partition, two segments":          {resourceDoc(`"a:bsd"`), fmt.Sprintf(partitions, "bsd", "arn:bsd:*:*:*:*")},
		"partition, three segments":        {resourceDoc(`"a:b:cad"`), fmt.Sprintf(partitions, "b", "arn:b:cad:*:*:*")},
		"partition, many segments":         {resourceDoc(`"a:b:c:d:e:f:g:h"`), fmt.Sprintf(partitions, "b", "arn:b:c:d:e:f:g:h")},
		"arn left off":                     {resourceDoc(`"aws:s3:::example_bucket"`), fmt.Sprintf(partitions, "s3", "arn:s3:::example_bucket:*")},
		"unknown partition":                {resourceDoc(`["arn:error:s3:::b","arn:error:s3::b"]`), fmt.Sprintf(partitions, "error", "arn:error:s3:::b")},
		"partition with a regex":           {resourceDoc(`"arn:aw*:s3:::b"`), fmt.Sprintf(partitions, "aw*", "arn:aw*:s3:::b")},
		"dates before the partition":       {identityDoc(`"Effect":"Allow","Action":"s3:x","Resource":"arn:error:s3:::b","Condition":{"DateEquals":{"a":"sdf"}}`), legacy},
		"vendor missing":                   {resourceDoc(`"arn:aws"`), qualified},
		"vendor is a wildcard":             {resourceDoc(`"arn:aws:*:::b"`), qualified},
		"vendor holds a wildcard":          {resourceDoc(`"arn:aws:s?:::b"`), qualified},
		"vendor is empty":                  {resourceDoc(`"arn:aws::::example_bucket"`), legacy},
		"one colon too few":                {resourceDoc(`"arn:aws:s3::example_bucket"`), legacy},
		"two colons too few":               {resourceDoc(`"arn:aws::fdsasf"`), legacy},
		"NotResource, one colon too few":   {identityDoc(`"Effect":"Allow","Action":"s3:x","NotResource":"arn:aws:s3::b"`), legacy},
		"legacy before actions":            {identityDoc(`"Effect":"Allow","Resource":"arn:aws:s3::b"`), legacy},
		"IAM with a region":                {resourceDoc(`"arn:aws:iam:us-east-1::b"`), "IAM resource arn:aws:iam:us-east-1::b cannot contain region information."},
		"S3 with a region":                 {resourceDoc(`"arn:aws:s3:us-east-1::b"`), "Resource arn:aws:s3:us-east-1::b can not contain region information."},
		"IAM path":                         {resourceDoc(`"arn:aws:iam:::b"`), iamPath},
		"variable in the account":          {resourceDoc(`"arn:aws:sns:us-east-1:${aws:PrincipalAccount}:t"`), legacy},
		"variable without its end":         {resourceDoc(`"arn:aws:s3:::b/${aws:username"`), legacy},
		"empty variable":                   {resourceDoc(`"arn:aws:s3:::b/${}"`), legacy},
		"nested variable":                  {resourceDoc(`"arn:aws:s3:::b/${aws:${x}}"`), legacy},
		"default without quotes":           {resourceDoc(`"arn:aws:s3:::b/${aws:username, x}"`), legacy},
		"default without its end":          {resourceDoc(`"arn:aws:s3:::b/${aws:username, 'x}"`), legacy},
		"default of a special character":   {resourceDoc(`"arn:aws:s3:::b/${*, 'x'}"`), legacy},
		"wildcard in a variable":           {resourceDoc(`"arn:aws:s3:::b/${aws:*}"`), legacy},
		"sid is an object":                 {identityDoc(ok + `,"Sid":{}`), syntax},
		"sid is a list":                    {identityDoc(ok + `,"Sid":[]`), syntax},
		"sid with a dash":                  {identityDoc(ok + `,"Sid":"a-b"`), alnum},
		"sid with a space":                 {identityDoc(ok + `,"Sid":"a b"`), alnum},
		"sid beyond ASCII":                 {identityDoc(ok + `,"Sid":"é"`), alnum},
		"sid twice, before presence":       {`{` + v2012 + `"Statement":[{"Sid":"a",` + ok + `},{"Sid":"a","Effect":"Allow"}]}`, unique},
		"Principal":                        {identityDoc(ok + `,"Principal":"*"`), principal},
		"NotPrincipal":                     {identityDoc(ok + `,"NotPrincipal":{"AWS":"*"}`), principal},
		"condition is a list":              {conditionDoc(`[]`), syntax},
		"condition is a list of objects":   {conditionDoc(`[{"StringEquals":{"a":"b"}}]`), syntax},
		"condition is a string":            {conditionDoc(`"a"`), syntax},
		"operator with a string":           {conditionDoc(`{"StringEquals":"b"}`), syntax},
		"operator with a list":             {conditionDoc(`{"DateGreaterThan":[]}`), syntax},
		"value is an object":               {conditionDoc(`{"DateGreaterThan":{"a":{}}}`), syntax},
		"value is null":                    {conditionDoc(`{"StringEquals":{"a":null}}`), syntax},
		"value in a list is null":          {conditionDoc(`{"StringEquals":{"a":[null]}}`), syntax},
		"value is a list of lists":         {conditionDoc(`{"StringEquals":{"a":[["b"]]}}`), syntax},
		"empty condition key":              {conditionDoc(`{"StringEquals":{"":"b"}}`), syntax},
		"unknown operator":                 {conditionDoc(`{"x":{"a":"1"}}`), syntax},
		"unknown operator without keys":    {conditionDoc(`{"x":{}}`), syntax},
		"operator in lower case":           {conditionDoc(`{"stringequals":{"a":"1"}}`), syntax},
		"IfExists twice":                   {conditionDoc(`{"StringEqualsIfExistsIfExists":{"a":"1"}}`), syntax},
		"both set prefixes":                {conditionDoc(`{"ForAllValues:ForAnyValue:StringEquals":{"a":"1"}}`), syntax},
		"two colons in the prefix":         {conditionDoc(`{"ForAnyValue::StringEqualsIfExists":{"a":"1"}}`), syntax},
		"NullIfExists":                     {conditionDoc(`{"NullIfExists":{"a":"true"}}`), syntax},
		"ForAllValues:Null":                {conditionDoc(`{"ForAllValues:Null":{"a":"true"}}`), syntax},
		"NumericLike":                      {conditionDoc(`{"NumericLike":{"a":"1"}}`), syntax},
		"Numeric":                          {conditionDoc(`{"Numeric":{"a":"1"}}`), syntax},
		"number that is none":              {conditionDoc(`{"NumericEquals":{"a":"1_000"}}`), legacy},
		"number in hexadecimal":            {conditionDoc(`{"NumericEquals":{"a":"0x10"}}`), legacy},
		"infinite number":                  {conditionDoc(`{"NumericEquals":{"a":"inf"}}`), legacy},
		"number out of range":              {conditionDoc(`{"NumericEquals":{"a":"1e999"}}`), legacy},
		"number with a variable":           {conditionDoc(`{"NumericEquals":{"a":"${aws:x}"}}`), legacy},
		"date that is none":                {conditionDoc(`{"DateGreaterThan":{"a":"sdfdsf"}}`), legacy},
		"date of digits and a dash":        {conditionDoc(`{"DateLessThanEquals":{"a":"234-13"}}`), legacy},
		"date with a short zone":           {conditionDoc(`{"DateLessThanEquals":{"a":"2016-12-13t2:00:00.593194+1"}}`), legacy},
		"date with ten decimals":           {conditionDoc(`{"DateLessThanEquals":{"a":"2016-12-13t2:00:00.1999999999+10:59"}}`), legacy},
		"date beyond 64 bits":              {conditionDoc(`{"DateLessThan":{"a":"9223372036854775808"}}`), legacy},
		"date, before actions":             {identityDoc(`"Effect":"Allow","Condition":{"DateEquals":{"a":"sdf"}}`), legacy},
		"date of month 0":                  {conditionDoc(`{"DateLessThan":{"a":"2016-00-01"}}`), legacy},
		"date of day 32":                   {conditionDoc(`{"DateLessThan":{"a":"2016-01-32"}}`), legacy},
		"date of hour 24":                  {conditionDoc(`{"DateLessThan":{"a":"2016-01-01T24:00:00Z"}}`), legacy},
		"date of second 60":                {conditionDoc(`{"DateLessThan":{"a":"2016-01-01T23:59:60Z"}}`), legacy},
		"date with four parts":             {conditionDoc(`{"DateLessThan":{"a":"2016-01-01-01"}}`), legacy},
		"date with a zone alone":           {conditionDoc(`{"DateLessThan":{"a":"2016-01-01TZ"}}`), legacy},
		"Bool of yes":                      {conditionDoc(`{"Bool":{"a":"yes"}}`), legacy},
		"Null of a number":                 {conditionDoc(`{"Null":{"a":1}}`), legacy},
		"binary that is not base64":        {conditionDoc(`{"BinaryEquals":{"a":"***"}}`), legacy},
		"address that is none":             {conditionDoc(`{"IpAddress":{"a":"10.0.0.256"}}`), legacy},
		"network of too many bits":         {conditionDoc(`{"IpAddress":{"a":"10.0.0.0/33"}}`), legacy},
		"address with a zone":              {conditionDoc(`{"IpAddress":{"a":"fe80::1%eth0"}}`), legacy},
		"mapped network of too few bits":   {conditionDoc(`{"IpAddress":{"a":"::ffff:0:0/64"}}`), legacy},
		"ARN that is none":                 {conditionDoc(`{"ArnLike":{"a":"role/x"}}`), legacy},
		"condition variable without end":   {conditionDoc(`{"StringEquals":{"a":"${b"}}`), legacy},
		"ARN variable without end":         {conditionDoc(`{"ArnLike":{"a":"arn:aws:iam::1:${b"}}`), legacy},
		"ARN variable without end, before": {conditionDoc(`{"ArnLike":{"a":"arn:${b"}}`), legacy},
		"deep":                             {strings.Repeat("[", 100000), syntax},
		"deep in a statement":              {identityDoc(ok + `,"Condition":{"StringEquals":{"a":[[[[[["b"]]]]]]}}`), syntax},
		"too long":                         {identityDoc(ok) + strings.Repeat(" ", policy.MaxDocument), syntax},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := policy.Parse(c.text, policy.Identity)
			var wrong *policy.SyntaxError
			if !errors.As(err, &wrong) {
				t.Fatalf("got %v, %v", d, err)
			}
			if diff := cmp.Diff(c.want, wrong.Message); diff != "" {
				t.Error(diff, err)
			}
			if wrong.Line < 1 || wrong.Column < 1 || wrong.Offset < 0 || wrong.Offset > len(c.text) {
				t.Errorf("position %d, %d:%d", wrong.Offset, wrong.Line, wrong.Column)
			}
		})
	}
}

func TestParseTakesIdentity(t *testing.T) {
	for name, text := range map[string]string{
		"one statement":              identityDoc(ok),
		"list of statements":         `{` + v2012 + `"Statement":[{` + ok + `},{"Sid":"a",` + ok + `}]}`,
		"empty sids":                 `{` + v2012 + `"Statement":[{"Sid":"",` + ok + `},{"Sid":"",` + ok + `}]}`,
		"id":                         `{` + v2012 + `"Id":"any text","Statement":{` + ok + `}}`,
		"version last":               `{"Statement":{` + ok + `},"Version":"2012-10-17"}`,
		"white space":                " {\r\n\t" + v2012 + ` "Statement" : { ` + ok + " } } \n",
		"escapes":                    identityDoc(`"\u0045ffect":"\u0041llow","Action":"s3:\u002a","Resource":"*"`),
		"astral escape":              resourceDoc(`"arn:aws:s3:::b/\ud83d\ude00"`),
		"star action":                identityDoc(`"Effect":"Allow","Action":"*","Resource":"*"`),
		"star vendor":                identityDoc(`"Effect":"Allow","Action":"*:*","Resource":"*"`),
		"action of spaces":           identityDoc(`"Effect":"Allow","Action":"iam: asdf safdsf af ","Resource":"*"`),
		"vendor with dash and dot":   identityDoc(`"Effect":"Allow","Action":["s3-s:L","s3.s:L"],"Resource":"*"`),
		"NotAction and NotResource":  identityDoc(`"Effect":"Allow","NotAction":"s3:L","NotResource":"*"`),
		"resources":                  resourceDoc(`["arn:aws:s3:::b","*"]`),
		"resource of three segments": resourceDoc(`"arn:aws:fdsasf"`),
		"any partition":              resourceDoc(`"arn:*:s3:::b"`),
		"partitions":                 resourceDoc(`["arn:aws-cn:s3:::b","arn:aws-us-gov:s3:::b","arn:aws-iso-b:s3:::b","arn:aws-eusc:s3:::b"]`),
		"unknown service":            resourceDoc(`"arn:aws:invalid-service:us-east-1::b"`),
		"iam user":                   resourceDoc(`"arn:aws:iam:::user/b"`),
		"iam everything":             resourceDoc(`"arn:aws:iam::111122223333:*"`),
		"s3 access point":            resourceDoc(`"arn:aws:s3:us-west-2:111122223333:accesspoint/x"`),
		"dollar sign":                resourceDoc(`"arn:aws:s3:::b/$x$"`),
		"special characters":         resourceDoc(`"arn:aws:s3:::b/${*}${?}${$}"`),
		"default with a brace":       resourceDoc(`"arn:aws:s3:::b/${aws:PrincipalTag/team, 'a}b'}"`),
		"tag key with spaces":        resourceDoc(`"arn:aws:s3:::b/${aws:PrincipalTag/my team}"`),
		"no conditions":              conditionDoc(`{}`),
		"operator without keys":      conditionDoc(`{"DateGreaterThan":{}}`),
		"key without values":         conditionDoc(`{"DateGreaterThan":{"a":[]}}`),
		"year and empty time":        conditionDoc(`{"DateGreaterThan":{"a":"01T"}}`),
		"date and hour":              conditionDoc(`{"DateGreaterThan":{"a":"2016-12-13t2"}}`),
		"date with hours of zone":    conditionDoc(`{"DateLessThanEquals":{"a":"2016-12-13t2:00:00.593194+23"}}`),
		"first year":                 conditionDoc(`{"DateLessThan":{"a":"-292275054"}}`),
		"unquoted values":            conditionDoc(`{"Bool":{"a":true},"NumericLessThan":{"b":[1,2.5,-3e2]},"StringEquals":{"c":7}}`),
		"whole ARN is a variable":    conditionDoc(`{"ArnEquals":{"aws:SourceArn":"${aws:PrincipalArn}"}}`),
		"star ARN":                   conditionDoc(`{"ArnLike":{"aws:SourceArn":"*"}}`),
		"sets":                       conditionDoc(`{"ForAllValues:StringEqualsIfExists":{"a":"b"},"ForAnyValue:StringLike":{"a":["b*"]}}`),
	} {
		if d, err := policy.Parse(text, policy.Identity); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if d.Text() != text {
			t.Errorf("%s: the text changed", name)
		}
	}
	for _, op := range strings.Fields(`StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase StringLike StringNotLike
		ArnEquals ArnLike ArnNotEquals ArnNotLike`) {
		for _, prefix := range []string{"", "ForAllValues:", "ForAnyValue:"} {
			for _, suffix := range []string{"", "IfExists"} {
				if _, err := policy.Parse(conditionDoc(`{"`+prefix+op+suffix+`":{"a":"arn:aws:s3:::b"}}`), policy.Identity); err != nil {
					t.Errorf("%s%s%s: %v", prefix, op, suffix, err)
				}
			}
		}
	}
}

func TestParseTrust(t *testing.T) {
	const (
		provider  = "arn:aws:iam::111122223333:oidc-provider/oidc.example/id/C1"
		allow     = `"Effect":"Allow","Action":"sts:AssumeRole",`
		onlySTS   = "AssumeRole policy may only specify STS AssumeRole actions."
		badJSON   = "This policy contains invalid Json"
		nobody    = "Invalid principal in policy: com.amazon.balsa.error.InvalidPolicyException: The passed in policy has a statement with no principals!"
		principal = `Invalid principal in policy: `
	)
	for name, c := range map[string]struct{ text, want string }{
		"pod identity":            {trustDoc(`"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]`), ""},
		"irsa":                    {trustText, ""},
		"no version":              {`{"Statement":{` + allow + `"Principal":"*"}}`, ""},
		"version of 2008":         {`{"Version":"2008-10-17","Statement":{` + allow + `"Principal":{"AWS":"*"}}}`, ""},
		"every kind":              {trustDoc(allow + `"Principal":{"AWS":["111122223333","AROAABCDEFGHIJKLMNOPQ"],"Service":["ec2.amazonaws.com"],"Federated":"` + provider + `","CanonicalUser":"` + strings.Repeat("0a", 32) + `"}`), ""},
		"arns":                    {trustDoc(allow + `"Principal":{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:role/a/b","arn:aws:iam::111122223333:user/c@d","arn:aws:sts::111122223333:assumed-role/r/s","arn:aws:sts::111122223333:federated-user/f"]}`), ""},
		"provider with a port":    {trustDoc(allow + `"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/127.0.0.1:8600/oidc/local"}`), ""},
		"saml and public":         {trustDoc(allow + `"Principal":{"Federated":["arn:aws:iam::111122223333:saml-provider/x","cognito-identity.amazonaws.com"]}`), ""},
		"deny all but":            {trustDoc(`"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"NotAction":"sts:TagSession"`), ""},
		"sts wildcard":            {trustDoc(`"Effect":"Allow","Principal":"*","Action":["sts:*","sts:Assume*","STS:assumerole"]`), ""},
		"invalid JSON":            {`{"Version":`, badJSON},
		"duplicate key":           {trustDoc(allow + allow + `"Principal":"*"`), badJSON},
		"unknown element":         {trustDoc(allow + `"Principal":"*","Extra":"x"`), "Syntax error at position (1,98)"},
		"array":                   {"[]", "Syntax error at position (1,1)"},
		"wrong type, second line": {"{" + v2012 + "\n  \"Statement\":[7]}", "Syntax error at position (2,16)"},
		"unknown operator":        {trustDoc(allow + `"Principal":"*","Condition":{"x":{}}`), "Syntax error at position (1,111)"},
		"Resource":                {trustDoc(allow + `"Principal":"*","Resource":"*"`), "Has prohibited field Resource"},
		"NotResource":             {trustDoc(allow + `"Principal":"*","NotResource":"*"`), "Has prohibited field NotResource"},
		"no principal":            {trustDoc(`"Effect":"Allow","Action":"sts:AssumeRole"`), "Missing required field Principal"},
		"no effect":               {trustDoc(`"Principal":"*","Action":"sts:AssumeRole"`), "Missing required field Effect"},
		"no action":               {trustDoc(`"Principal":"*","Effect":"Allow"`), "Missing required field Action"},
		"both principals":         {trustDoc(allow + `"Principal":"*","NotPrincipal":"*"`), "Syntax error at position (1,38)"},
		"allow all but":           {trustDoc(allow + `"NotPrincipal":{"AWS":"111122223333"}`), "Allow with NotPrincipal is not allowed."},
		"other service's action":  {trustDoc(`"Effect":"Allow","Principal":"*","Action":"s3:GetObject"`), onlySTS},
		"misspelt action":         {trustDoc(`"Effect":"Allow","Principal":"*","Action":["sts:AssumeRole","sts:TagSessions"]`), onlySTS},
		"any action":              {trustDoc(`"Effect":"Allow","Principal":"*","Action":"*"`), onlySTS},
		"no vendor":               {trustDoc(`"Effect":"Allow","Principal":"*","Action":"AssumeRole"`), onlySTS},
		"star vendor":             {trustDoc(`"Effect":"Allow","Principal":"*","Action":"*:*"`), onlySTS},
		"nobody":                  {trustDoc(allow + `"Principal":{}`), nobody},
		"empty list":              {trustDoc(allow + `"Principal":{"AWS":[]}`), nobody},
		"unknown kind":            {trustDoc(allow + `"Principal":{"aws":"*"}`), "Syntax error at position (1,95)"},
		"principal is a list":     {trustDoc(allow + `"Principal":["*"]`), "Syntax error at position (1,94)"},
		"principal value object":  {trustDoc(allow + `"Principal":{"AWS":{}}`), "Syntax error at position (1,101)"},
		"string that is no star":  {trustDoc(allow + `"Principal":"111122223333"`), principal + `"AWS":"111122223333"`},
		"sid twice":               {`{"Statement":[{"Sid":"a",` + allow + `"Principal":"*"},{"Sid":"a",` + allow + `"Principal":"*"}]}`, "Statement IDs (SID) in a single policy must be unique."},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.Parse(c.text, policy.Trust)
			got := ""
			var wrong *policy.SyntaxError
			if errors.As(err, &wrong) {
				got = wrong.Message
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff, err)
			}
		})
	}
	for kind, values := range map[string][]string{
		"AWS": {
			"", "1", "1111222233334", "11112222333a", "arn:aws:iam::111122223333:role/*", "arn:aws:iam::111122223333:role/a?", "arn:aws:iam::*:root",
			"arn:aws:iam::111122223333:*", "arn:aws:iam::111122223333:group/g", "arn:aws:iam::111122223333:role/", "arn:aws:iam::111122223333:role",
			"arn:aws:iam::111122223333:roleplay/x", "arn:aws:iam:us-east-1:111122223333:role/x", "arn:aws:iam::1:role/x", "arn:amz:iam::111122223333:role/x",
			"arn:aws:s3:::b", "arn:aws:sts::111122223333:assumed-role/r", "arn:aws:sts::111122223333:assumed-role/r/", "arn:aws:sts::111122223333:assumed-role//s",
			"arn:aws:sts::111122223333:assumed-role/r/s/t", "arn:aws:sts::111122223333:assumed-role/r/*", "arn:aws:sts::111122223333:federated-user/",
			"arn:aws:iam::111122223333:role/${aws:username}", "arn:aws:iam::111122223333:role/a b", "AROA", "AROAabcdefghijklmnopq", "AKIAABCDEFGHIJKLMNOPQ",
			"ec2.amazonaws.com", "**", "arn:aws:iam::111122223333:root/", "arn:aws:iam::111122223333:role/é", "arn:aws:iam::111122223333:oidc-provider/x",
		},
		"Federated":     {"", "*", "x", "arn:aws:iam::111122223333:oidc-provider/", "arn:aws:iam::111122223333:role/x", "arn:aws:iam::111122223333:oidc-provider/*", "https://accounts.google.com"},
		"Service":       {"", "*", "pods", "pods.eks.amazonaws.com ", "*.amazonaws.com", ".amazonaws.com", "PODS.eks.amazonaws.com", "a..b"},
		"CanonicalUser": {"", "*", "111122223333", strings.Repeat("0g", 32), strings.Repeat("0", 63)},
	} {
		for _, v := range values {
			_, err := policy.Parse(trustDoc(allow+`"Principal":{"`+kind+`":["`+v+`"]}`), policy.Trust)
			var wrong *policy.SyntaxError
			if !errors.As(err, &wrong) || wrong.Message != principal+`"`+kind+`":"`+v+`"` {
				t.Errorf("%s %q: %v", kind, v, err)
			}
		}
	}
}

func TestParseOtherUses(t *testing.T) {
	named := `"Principal":"*",` + ok
	for name, c := range map[string]struct {
		use        policy.Use
		text, want string
	}{
		"session policy":                   {policy.SessionUse, identityDoc(ok), ""},
		"session policy without a version": {policy.SessionUse, `{"Statement":{` + ok + `}}`, ""},
		"session policy, invalid JSON":     {policy.SessionUse, `{`, "This policy contains invalid Json"},
		"session policy with Principal":    {policy.SessionUse, identityDoc(named), "Policy document should not specify a principal."},
		"resource policy":                  {policy.ResourceUse, identityDoc(named), ""},
		"resource policy, free sid":        {policy.ResourceUse, identityDoc(named + `,"Sid":"Allow this, that"`), ""},
		"resource policy, allow all but":   {policy.ResourceUse, identityDoc(`"NotPrincipal":{"AWS":"111122223333"},` + ok), ""},
		"resource policy, no Principal":    {policy.ResourceUse, identityDoc(ok), "Missing required field Principal"},
		"resource policy, no Resource":     {policy.ResourceUse, identityDoc(`"Principal":"*","Effect":"Allow","Action":"s3:x"`), "Missing required field Resource"},
		"no use":                           {0, identityDoc(ok), "Syntax errors in policy."},
		"unknown use":                      {9, identityDoc(ok), "Syntax errors in policy."},
	} {
		_, err := policy.Parse(c.text, c.use)
		got := ""
		var wrong *policy.SyntaxError
		if errors.As(err, &wrong) {
			got = wrong.Message
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestSyntaxErrorPosition(t *testing.T) {
	_, err := policy.Parse("{\n  \"Version\": \"2012-10-17\",\n  \"Id\": \"é\", \"Statment\": []\n}", policy.Identity)
	want := `Syntax errors in policy. (line 3, column 14: unknown element "Statment")`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = policy.Parse(trustDoc(`"Effect":"Allow","Action":"sts:AssumeRole"`), policy.Trust)
	if want := "Missing required field Principal (line 1, column 38)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int{"": 0, " \t\r\n": 0, `{ "a": "b c" }`: 10, "é 😀": 2} {
		if got := policy.Size(text); got != want {
			t.Errorf("Size(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestDocumentNames(t *testing.T) {
	d, err := policy.Parse(`{`+v2012+`"Id":"pol","Statement":[
		{"Effect":"Allow","Principal":{"AWS":["111122223333","*"],"Service":"ec2.amazonaws.com"},"Action":"s3:x",
		 "Resource":"arn:aws:s3:::b/${aws:username}/${aws:PrincipalTag/Team, 'x'}",
		 "Condition":{"StringLike":{"aws:UserId":"${aws:PrincipalArn}*"},"Null":{"s3:prefix":"true"}}},
		{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333","Federated":"accounts.google.com"},"Action":"s3:x","Resource":"*",
		 "Condition":{"StringEquals":{"AWS:userid":"x"},"ArnLike":{"aws:SourceArn":"${aws:principaltag/team}"}}}]}`, policy.ResourceUse)
	if err != nil {
		t.Fatal(err)
	}
	wantPrincipals := []policy.Principal{{"AWS", "111122223333"}, {"AWS", "*"}, {"Service", "ec2.amazonaws.com"}, {"Federated", "accounts.google.com"}}
	if diff := cmp.Diff(wantPrincipals, d.Principals()); diff != "" {
		t.Error(diff)
	}
	wantKeys := []string{"aws:username", "aws:PrincipalTag/Team", "aws:UserId", "aws:PrincipalArn", "s3:prefix", "aws:SourceArn"}
	if diff := cmp.Diff(wantKeys, d.ContextKeys()); diff != "" {
		t.Error(diff)
	}
	if d.ID() != "pol" {
		t.Errorf("ID = %q", d.ID())
	}
}
