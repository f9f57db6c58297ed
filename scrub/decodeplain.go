// SPDX-License-Identifier: Apache-2.0

package scrub

// plain returns the ASCII letter that a reader, or a program that normalises, takes a rune for; -1 for what shows
// nothing at all, and the rune itself where it is itself. It is for looking, never for writing: what passes for "password" is to
// be treated as it. The letters are those of Unicode's confusables that a keyword or a token can be written with.
func plain(r rune) rune {
	switch {
	case r < 0xa0:
		return r
	case r >= 0xff01 && r <= 0xff5e: // full width
		return r - 0xfee0
	case r >= 0x1d400 && r <= 0x1d6a3: // mathematical letters, 26 and 26 of each style
		if n := (r - 0x1d400) % 52; n < 26 {
			return 'A' + n
		} else {
			return 'a' + n - 26
		}
	case r >= 0x1d7ce && r <= 0x1d7ff:
		return '0' + (r-0x1d7ce)%10
	case r >= 0x24b6 && r <= 0x24cf: // circled
		return 'A' + r - 0x24b6
	case r >= 0x24d0 && r <= 0x24e9:
		return 'a' + r - 0x24d0
	case r >= 0x2460 && r <= 0x2468:
		return '1' + r - 0x2460
	case r >= 0x660 && r <= 0x669: // digits of Arabic, Persian, Hindi
		return '0' + r - 0x660
	case r >= 0x6f0 && r <= 0x6f9:
		return '0' + r - 0x6f0
	case r >= 0x966 && r <= 0x96f:
		return '0' + r - 0x966
	case r >= 0xe0020 && r <= 0xe007e: // tags: ASCII that does not show
		return r - 0xe0000
	case unseen(r):
		return -1
	case r == 0xa0 || r >= 0x2000 && r <= 0x200a || r == 0x202f || r == 0x205f || r == 0x3000:
		return ' '
	case r >= 0x2010 && r <= 0x2015 || r == 0x2212:
		return '-'
	case r >= 0x2018 && r <= 0x201b || r == 0x2032:
		return '\''
	case r >= 0x201c && r <= 0x201f || r == 0x2033:
		return '"'
	case r >= 0x370 && r < 0x530:
		return lookAlike(r)
	}
	switch r {
	case 0x131, 0x269:
		return 'i'
	case 0x17f:
		return 's'
	case 0x251:
		return 'a'
	case 0x261:
		return 'g'
	case 0x2024, 0xfe52, 0xff61:
		return '.'
	case 0xfe6b:
		return '@'
	case 0x2044, 0x2215:
		return '/'
	case 0x2236, 0xfe55:
		return ':'
	case 0x212a:
		return 'K'
	case 0x2113:
		return 'l'
	}
	return r
}

// unseen reports runes that show nothing, or only above the letter before.
func unseen(r rune) bool {
	switch {
	case r == 0xad, r == 0x61c, r == 0x3164, r == 0xfeff, r == 0xffa0, r == 0x17b4, r == 0x17b5,
		r >= 0x300 && r <= 0x36f, r >= 0x180b && r <= 0x180f, r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e,
		r >= 0x2060 && r <= 0x206f, r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}

// lookAlike returns the Latin letter that a Greek or Cyrillic one looks like.
func lookAlike(r rune) rune {
	const from = "αοντυικρηωεχγΑΒΕΖΗΙΚΜΝΟΡΤΥΧ" + "аеорсухкмтнвгпьѕіјԁԛԝһӏѵүАВЕКМНОРСТУХЅІЈԀԚԜҮЗ"
	const to = "aovtuikpnwexyABEZHIKMNOPTYX" + "aeopcyxkmthbrnbsijdqwhlvyABEKMHOPCTYXSIJDQWY3"
	i := 0
	for _, c := range from {
		if c == r {
			return rune(to[i])
		}
		i++
	}
	return r
}

// rare reports Cyrillic letters that hardly any text has but to look like a Latin one.
func rare(r rune) bool {
	return r == 'ѕ' || r == 'ԁ' || r == 'ԛ' || r == 'ԝ' || r == 'һ' || r == 'ӏ'
}
