package policy

import (
	"cmp"
	"strconv"
	"strings"
)

// instant is a point in time: seconds since 1970 and nanoseconds. time.Time can't hold what IAM takes (years to 292,278,993).
type instant struct {
	seconds int64
	nanos   int32
}

func (t instant) compare(u instant) int {
	if c := cmp.Compare(t.seconds, u.seconds); c != 0 {
		return c
	}
	return cmp.Compare(t.nanos, u.nanos)
}

// years IAM's date parser takes; they are those of milliseconds in 64 bits.
const minYear, maxYear = -292275054, 292278993

// parseInstant reads seconds since 1970, or what IAM takes for a date: the W3C profiles of ISO 8601, whose parts may be left off from the
// end ("2026T", "2026-05", "2026-05-17T10:00Z"), and without a zone is UTC. Digits alone are always seconds, also four of them.
func parseInstant(text string) (instant, bool) {
	if !strings.ContainsAny(text, "Tt-") {
		n, err := strconv.ParseUint(text, 10, 63)
		return instant{seconds: int64(n)}, err == nil
	}
	datePart, timePart, _ := cutAny(text, "Tt")
	days, ok := parseDays(datePart)
	if !ok {
		return instant{}, false
	}
	t, ok := parseClock(timePart)
	t.seconds += days * 86400
	return t, ok
}

func cutAny(s, chars string) (before, after string, found bool) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

func parseDays(text string) (days int64, ok bool) {
	sign := int64(1)
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		text, sign = rest, -1
	}
	parts := [3]string{"", "1", "1"}
	n := 0
	for rest, more := text, true; more; n++ {
		if n == len(parts) {
			return 0, false
		}
		parts[n], rest, more = strings.Cut(rest, "-")
	}
	year, okY := digits(parts[0], 1, 9, maxYear)
	month, okM := digits(parts[1], 1, 2, 12)
	day, okD := digits(parts[2], 1, 2, 31)
	year *= sign
	if !okY || !okM || !okD || month < 1 || day < 1 || year < minYear {
		return 0, false
	}
	return daysSince1970(year, month, day), true
}

// daysSince1970 counts days of the proleptic Gregorian calendar, with years that begin in March so that the leap day is the last.
func daysSince1970(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	if year < 0 {
		era = (year - 399) / 400
	}
	yearOfEra := year - era*400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	return era*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - 719468
}

func parseClock(text string) (t instant, ok bool) {
	text, zone, ok := cutZone(text)
	if !ok {
		return t, false
	}
	if text == "" {
		return t, true
	}
	hours, text, more := strings.Cut(text, ":")
	minutes, seconds, fraction := "0", "0", ""
	if more {
		if minutes, text, more = strings.Cut(text, ":"); more {
			var point bool
			if seconds, fraction, point = strings.Cut(text, "."); point && fraction == "" {
				return t, false
			}
		}
	}
	h, okH := digits(hours, 1, 2, 23)
	m, okM := digits(minutes, 1, 2, 59)
	s, okS := digits(seconds, 1, 2, 59)
	if fraction = strings.TrimRight(fraction, "0"); fraction == "" {
		fraction = "0"
	}
	f, okF := digits(fraction, 1, 9, 999_999_999)
	for i := len(fraction); i < 9; i++ {
		f *= 10
	}
	return instant{h*3600 + m*60 + s - zone, int32(f)}, okH && okM && okS && okF
}

// cutZone takes Z, +hh, +hhmm or +hh:mm off the end and gives it in seconds east of Greenwich.
func cutZone(text string) (rest string, zone int64, ok bool) {
	i := strings.IndexAny(text, "Zz+-")
	if i < 0 {
		return text, 0, true
	}
	rest, sign, text := text[:i], text[i], text[i+1:]
	if sign == 'Z' || sign == 'z' {
		return rest, 0, text == "" && rest != ""
	}
	hours, minutes, colon := strings.Cut(text, ":")
	if !colon {
		minutes = "00"
		if len(hours) == 4 {
			hours, minutes = hours[:2], hours[2:]
		}
	}
	h, okH := digits(hours, 2, 2, 23)
	m, okM := digits(minutes, 2, 2, 59)
	zone = h*3600 + m*60
	if sign == '-' {
		zone = -zone
	}
	return rest, zone, okH && okM && rest != ""
}

func digits(text string, least, most int, limit int64) (int64, bool) {
	if len(text) < least || len(text) > most {
		return 0, false
	}
	var n int64
	for i := 0; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(text[i]-'0')
	}
	return n, n <= limit
}
