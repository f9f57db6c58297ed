// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"

	"github.com/headrace/headrace/scrub/internal/names"
)

// columnSort says what the cells of a column hold, as its name says.
type columnSort uint8

const (
	otherColumn    columnSort = iota
	passwordColumn            // any word may be one
	tokenColumn               // drawn by chance
	pinColumn                 // digits to type
	checkColumn               // digits of a card
	nameColumn                // of a person, if other columns speak of one
	mailColumn                // whose addresses find themselves
	userColumn
	personColumn
	phoneColumn
	birthColumn
	streetColumn
	idColumn
)

// columnSorts is a set of them.
type columnSorts uint16

func (s columnSorts) has(k columnSort) bool { return s&(1<<k) != 0 }

// secret reports whether a column holds what opens something.
func (s columnSorts) secret() bool {
	return s.has(passwordColumn) || s.has(tokenColumn) || s.has(pinColumn) || s.has(checkColumn)
}

// personal reports whether a column holds what only people have.
func (s columnSorts) personal() bool {
	return s.has(personColumn) || s.has(phoneColumn) || s.has(birthColumn) || s.has(streetColumn) || s.has(idColumn)
}

// columnSortOf returns what the name of a column says of its cells.
func columnSortOf(name []byte) columnSort {
	if len(name) == 0 || len(name) > maxName {
		return otherColumn
	}
	l := lower(name)
	for _, word := range [...]string{"password", "passwd", "pwd", "passphrase", "passwort", "kennwort", "passcode", "secret", "wachtwoord", "contrase", "mot de passe", "mot_de_passe", "senha",
		"пароль", "密码", "パスワード"} {
		if n := bytes.Index(l, []byte(word)); n >= 0 && n+len(word) <= len(name) {
			if innocent(name[n+len(word):]) {
				return otherColumn
			}
			return passwordColumn
		}
	}
	if bytes.HasSuffix(l, []byte("pass")) || string(l) == "pw" || bytes.HasSuffix(l, []byte("_pw")) {
		return passwordColumn
	}
	var buf [maxName]byte
	return wordSort(string(unsigned(buf[:0], l)))
}

// unsigned appends the letters and digits of a name: api_key, API Key and apikey are one.
func unsigned(dst, name []byte) []byte {
	for _, c := range name {
		if class[c]&isAlnum != 0 || c >= 0x80 {
			dst = append(dst, c)
		}
	}
	return dst
}

// wordSort returns what a name without signs says.
func wordSort(name string) columnSort {
	switch name {
	case "token", "apikey", "accesskey", "privatekey", "authkey", "licensekey", "licencekey", "masterkey", "signingkey", "encryptionkey", "sharedkey", "accountkey", "storagekey", "servicekey", "clientkey",
		"serverkey", "deploykey", "webhookkey", "sessionkey", "credential", "credentials", "authtoken", "accesstoken", "refreshtoken", "apitoken", "sessiontoken", "bearertoken", "resettoken", "remembertoken", "usertoken",
		"devicetoken", "idtoken", "invitetoken", "csrftoken", "confirmationtoken", "bearer", "cookie", "sessionid", "authkeys", "apikeys", "tokens":
		return tokenColumn
	case "pin", "puk", "pincode", "pinnumber", "userpin", "cardpin", "accesspin", "otp", "doorcode", "gatecode", "alarmcode", "tan", "pinnr", "geheimzahl":
		return pinColumn
	case "cvv", "cvc", "cvv2", "cvvcode", "cvccode", "cardcvv", "cardcvc", "securitycode":
		return checkColumn
	case "name", "nom", "nombre", "nome", "naam", "contact", "kontakt", "employee", "mitarbeiter", "customer", "kunde", "patient", "member", "owner", "author":
		return nameColumn
	case "email", "mail", "emailaddress", "mailaddress", "useremail", "contactemail", "workemail", "correo", "courriel":
		return mailColumn
	case "user", "username", "login", "loginname", "userlogin", "useraccount", "samaccountname", "benutzer", "benutzername", "usuario", "utilisateur", "handle", "nickname", "screenname", "dbuser", "osuser", "accountname", "sysuser", "createdby", "updatedby":
		return userColumn
	case "firstname", "lastname", "surname", "fullname", "givenname", "familyname", "middlename", "maidenname", "forename", "vorname", "nachname", "familienname", "geburtsname", "prenom", "prénom", "nomdefamille", "apellido", "apellidos",
		"cognome", "sobrenome", "voornaam", "achternaam", "displayname", "contactname", "personname", "employeename", "patientname", "customername", "clientname", "ansprechpartner", "cardholder", "cardholdername", "accountholder",
		"fname", "lname", "imię", "nazwisko", "förnamn", "efternamn", "fornavn", "etternavn", "spouse", "nextofkin", "emergencycontact":
		return personColumn
	case "phone", "phonenumber", "phoneno", "mobile", "mobilephone", "mobilenumber", "cell", "cellphone", "telephone", "telefon", "telefonnummer", "handy", "handynummer", "fax", "tel", "telefono", "teléfono", "téléphone", "telefone",
		"móvil", "celular", "workphone", "homephone", "contactnumber", "contactphone", "mobil", "rufnummer", "msisdn", "whatsapp":
		return phoneColumn
	case "dob", "birth", "birthdate", "dateofbirth", "birthday", "bday", "geburtsdatum", "geburtstag", "geboren", "datenaissance", "datedenaissance", "fechanacimiento", "fechadenacimiento", "datadinascita", "datanascimento", "geboortedatum", "born":
		return birthColumn
	case "street", "streetaddress", "strasse", "straße", "anschrift", "adresse", "addressline1", "address1", "homeaddress", "postaladdress", "shippingaddress", "billingaddress", "dirección", "indirizzo", "calle", "straat", "gata", "ulica", "wohnort":
		return streetColumn
	case "ssn", "socialsecurity", "socialsecuritynumber", "passport", "passportnumber", "passportno", "reisepass", "personalausweis", "ausweisnummer", "nationalid", "taxid", "taxnumber", "steuerid", "steuernummer", "iban", "nino", "aadhaar", "pesel", "cpf", "dni",
		"personnummer", "bsn", "insurancenumber", "sozialversicherungsnummer", "rentenversicherungsnummer", "svnr", "driverslicense", "driverlicense", "licenseplate", "kennzeichen", "accountnumber", "kontonummer", "cardnumber", "creditcard", "creditcardnumber":
		return idColumn
	}
	return otherColumn
}

// word returns what judge is told of the cells of a column.
func (s columnSort) word() word {
	if s == tokenColumn {
		return word{kind: "token", strength: medium}
	}
	return word{kind: "password", strength: strong}
}

// cellOf judges the cell of a column of this sort.
func (w *worker) cellOf(s, e int, sort columnSort) {
	if sort == otherColumn || sort == mailColumn {
		return
	}
	s, e = trimBlank(w.buf, s, e)
	v := w.buf[s:e]
	switch sort {
	case passwordColumn:
		w.cell(s, e, sort.word())
		return
	case tokenColumn:
		if f := shapeOf(v); f.digits > 1 && f.lower+f.upper > 1 && f.n >= 6 || f.digits >= 12 || f.swap > 3 && f.dots == 0 {
			w.cell(s, e, sort.word())
		}
		return
	case pinColumn, checkColumn:
		if d := run(v, 0, len(v), isDigit); d == len(v) && (d >= 4 && d <= 8 || d == 3 && sort == checkColumn) {
			w.literal(s, e, "password")
		}
		return
	}
	if len(v) < 2 || len(v) > maxPersonal || bytes.ContainsAny(v, "(){}[]<>=$%|@\"\\") || placeholder(v) || stopword(v) || w.ownFrom(s) {
		return
	}
	if kind := w.personalCell(v, sort); kind != "" {
		w.add(s, e, kind)
	}
}

// maxPersonal is the most bytes of a cell that says something of a person.
const maxPersonal = 100

// personalCell returns the kind of what a cell says of a person, empty for nothing: where its form is not that of its
// column it stays.
func (w *worker) personalCell(v []byte, sort columnSort) string {
	f := shapeOf(v)
	letters := f.lower + f.upper
	switch sort {
	case userColumn:
		switch {
		case f.spaces > 0 && (f.digits > 0 || !upperAt(v, 0)), letters == 0, class[v[0]]&isAlpha == 0 && v[0] < 0x80, system(v), f.signs > f.dots+f.dashes:
			return ""
		}
		return "user"
	case personColumn, nameColumn:
		if letters < 2 || f.digits > 0 || f.under > 0 || system(v) || f.signs > 4 || f.slashes > 0 || f.spaces > 6 || sort == nameColumn && w.names.Of(v) == names.Word {
			return ""
		}
		return "person"
	case phoneColumn:
		if f.digits < 5 || letters > 0 || f.digits < f.signs {
			return ""
		}
		return "phone"
	case birthColumn:
		if f.digits < 4 || f.n > 30 {
			return ""
		}
		return "birth_date"
	case streetColumn:
		if letters < 3 || f.digits == 0 && f.spaces == 0 || f.under > 0 || f.signs > 8 {
			return ""
		}
		return "address"
	case idColumn:
		if f.digits < 4 || f.dots > 3 || letters > f.digits {
			return ""
		}
		return "national_id"
	}
	return ""
}
