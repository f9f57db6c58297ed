// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNounsOfGermanAreNoNames(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"Der Server startet nicht, weil die Datei fehlt.\n",
		"Bitte den Fehler im Modul für die Anmeldung beheben.\n",
		"Kannst du eine Methode schreiben, die eine Liste von Zahlen nach Größe sortiert?\n",
		"Das Ergebnis der Berechnung stimmt nicht mit der Vorgabe überein.\n",
		"Hallo zusammen, die Bereitstellung ist für Montag geplant.\n",
		"Die Funktion gibt eine leere Zeichenkette zurück, wenn das Feld fehlt.\n",
		"Der Zugriff auf das Verzeichnis wurde verweigert.\n",
	} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
	for text, want := range map[string]string{
		"Der Fehler tritt bei Frau Xqzmor auf, bitte das Modul prüfen.\n":                  "person Xqzmor",
		"Die Firma Xqzmor wartet auf die Rechnung, bitte das Modul prüfen.\n":              "organisation Firma Xqzmor",
		"Bitte frag Ingrid, ob die Datei noch gebraucht wird.\n":                           "person Ingrid",
		"Die Änderung hat Ingrid Kowalska gemacht, sie kennt das Modul.\n":                 "person Ingrid Kowalska",
		"Gestern hat Fjordbank Maritime gemeldet, dass die Datei nicht mehr lesbar ist.\n": "organisation Fjordbank Maritime",
	} {
		if got := kindsAt(t, s, text); !slices.Contains(got, want) {
			t.Errorf("%q: found %q, not %q", text, got, want)
		}
	}
}

func TestTheFirstWordOfASentenceIsNoName(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"El servidor no arranca porque falta el archivo de configuración.\n",
		"Hola, ¿puedes revisar la función que calcula el total de la factura?\n",
		"Los datos se guardan dos veces cuando el usuario pulsa el botón.\n",
		"La fonction renvoie une liste vide quand le fichier est absent.\n",
		"Olá, preciso de uma consulta que retorne os pedidos do mês.\n",
	} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
	for text, want := range map[string]string{
		"Hola Jorge, el servidor no arranca.\n":                  "person Jorge",
		"La oficina de Los Angeles no puede abrir el archivo.\n": "location Los Angeles",
	} {
		if got := kindsAt(t, s, text); !slices.Contains(got, want) {
			t.Errorf("%q: found %q, not %q", text, got, want)
		}
	}
}

func TestWordsOfLicencesAndOfTheTradeAreNoNames(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"Unless required by applicable law or agreed to in writing, Licensor provides the Work on an as is basis.\n",
		"without even the implied warranty of MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.\n",
		"The terms of the Mozilla Public License apply to the files of this folder.\n",
		"We dropped the variable in the Makefile since the project now needs a Mutex for each file.\n",
	} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
}

// TestALongNameGoesWithItsLastCharacter: a look that ends after so many bytes must not end within a character.
func TestALongNameGoesWithItsLastCharacter(t *testing.T) {
	s := newScrubber(t, Config{})
	for n := range 3 {
		text := "この場合、使用Remote Code " + "X" + "ecution"[n:] + strings.Repeat("佔用伺服", 4) + "。\n"
		if out := scrubbed(t, s, text); out == text || !utf8.ValidString(out) {
			t.Errorf("%q became %q", text, out)
		}
	}
}
