package restjson

import (
	"strconv"
	"time"
)

// Time is a timestamp as AWS's JSON services write it: seconds since 1970 as a number, here to the millisecond.
//
// Source: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#timestamp-formats
type Time time.Time

// MarshalJSON writes the number.
func (t Time) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(time.Time(t).UnixMilli())/1000, 'f', -1, 64), nil
}
