// SPDX-License-Identifier: Apache-2.0

package names

import "unicode"

// Fold returns a letter in lower case, without its accent. gen.mjs folds the same way, and printed these tables.
func Fold(r rune) rune {
	const latin = "aaaaaaaceeeeiiiidnooooo?ouuuuytsaaaaaaaceeeeiiiidnooooo?ouuuuytyaaaaaaccccccccddddeeeeeeeeeegggggggg" +
		"hhhhiiiiiiiiii??jjkkkllllll??llnnnnnn?nnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs????????" +
		"???????e????????????????oo?????????????uu????????????????????????????aaiioouuuuuuuuuu?aaaaaa??ggkkoo" +
		"oo??j???gg??nnaaaaooaaaaeeeeiiiioooorrrruuuusstt??hh??????aaeeooooooooyy????????????????????????????" // from U+00C0 on
	const more = "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrrssss" +
		"ssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwy?s??s?aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeee" +
		"iiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy??????" // from U+1E00 on
	switch {
	case r < 0xc0:
	case r < 0xc0+rune(len(latin)):
		if c := latin[r-0xc0]; c != '?' {
			return rune(c)
		}
	case r >= 0x1e00 && r < 0x1e00+rune(len(more)):
		if c := more[r-0x1e00]; c != '?' {
			return rune(c)
		}
	}
	r = unicode.ToLower(r)
	switch r {
	case 'ʹ':
		return 'ʹ'
	case 'ά':
		return 'α'
	case 'έ':
		return 'ε'
	case 'ή':
		return 'η'
	case 'ΐ', 'ί', 'ϊ':
		return 'ι'
	case 'ό':
		return 'ο'
	case 'ς':
		return 'σ'
	case 'ΰ', 'ϋ', 'ύ':
		return 'υ'
	case 'ώ':
		return 'ω'
	case 'ϓ', 'ϔ':
		return 'ϒ'
	case 'ӑ', 'ӓ':
		return 'а'
	case 'ѓ':
		return 'г'
	case 'ѐ', 'ё', 'ӗ':
		return 'е'
	case 'ӂ', 'ӝ':
		return 'ж'
	case 'ӟ':
		return 'з'
	case 'й', 'ѝ', 'ӣ', 'ӥ':
		return 'и'
	case 'ќ':
		return 'к'
	case 'ӧ':
		return 'о'
	case 'ў', 'ӯ', 'ӱ', 'ӳ':
		return 'у'
	case 'ӵ':
		return 'ч'
	case 'ӹ':
		return 'ы'
	case 'ӭ':
		return 'э'
	case 'ї':
		return 'і'
	case 'ѷ':
		return 'ѵ'
	case 'ӛ':
		return 'ә'
	case 'ӫ':
		return 'ө'
	}
	return r
}
