// SPDX-License-Identifier: Apache-2.0

package scrub

import "strings"

// nearCues are the words that numbers stand near.
func nearCues() []rule {
	var rs []rule
	add := func(a what, words ...string) {
		for _, k := range words {
			rs = append(rs, rule{keyword: k, detect: (*worker).note, hint: hint{about: a}})
		}
	}
	add(aPhone, "phone", "phones", "tel", "telephone", "mobile", "cell", "fax", "handy", "telefon", "telefono", "teléfono",
		"téléphone", "tél", "telefone", "telepono", "msisdn", "whatsapp", "sms", "call", "dial", "cep", "on-call", "oncall", "ring",
		"phonenumber", "phone_number", "callback", "hotline", "text me", "call me", "answering at", "messages to", "reach me", "móvil", "portable", "celular", "mobil", "puhelin")
	add(aBirth, "dob", "born", "birth", "birthdate", "birthday", "bday", "geboren", "geb.", "geburtsdatum", "geburtstag", "naissance",
		"né le", "née le", "nacido", "nacida", "nacimiento", "nascimento", "nascita", "nato il", "nata il", "geboorte", "geboortedatum",
		"født", "fødselsdato", "född", "födelsedatum", "syntymä", "urodzenia", "urodzony", "narození", "doğum", "date_of_birth", "dateofbirth", "d.o.b")
	add(anID, "ssn", "itin", "identification number", "employer identification", "sin number", "mon nas", "social security", "social_security", "socialsecurity", "passport", "passeport", "reisepass", "pasaporte", "passaporto",
		"paspoort", "licence", "license number", "license no", "licence no", "license is", "license #", "driver", "driving", "führerschein", "führerscheinnummer", "fahrerlaubnis",
		"permis", "tax", "taxid", "tax_id", "tin", "vat", "ust-id", "ust-idnr", "steuer", "steuernummer", "steuer-id", "st.-nr", "idnr", "nif", "nie", "dni", "cpf", "cnpj", "curp",
		"nino", "national insurance", "national id", "national_id", "nationalid", "identity card", "id card", "personalausweis", "ausweis", "carta d'identit", "cédula",
		"nhs", "medicare", "medicaid", "medical record", "mrn", "mbi", "npi", "dea", "insurance", "insurance number", "versicherung", "krankenkasse", "kvnr", "rvnr", "bsnr", "lanr",
		"aadhaar", "aadhar", "pan number", "pan card", "voter", "gstin", "pesel", "regon", "personnummer", "pnr", "cpr", "bsn", "insee", "rrn", "frn", "brn", "nric", "fin number",
		"henkilötunnus", "hetu", "codice fiscale", "partita iva", "p.iva", "uen", "abn", "acn", "tfn", "tckn", "kimlik", "pps number", "egn", "cnp", "emirates id",
		"account number", "account no", "account #", "acct", "routing", "aba", "bic", "swift", "sort code", "iban", "konto", "kontonummer", "bankleitzahl", "blz", "card", "credit card", "kreditkarte", "cc",
		"id number", "id no", "id is", "travel document", "handelsregister", "amtsgericht", "rut", "orgnr", "orgnummer", "company identity", "imei", "iccid", "imsi", "vin",
		"wallet", "customer number", "customer no", "kundennummer", "patient", "member id", "membership", "policy number", "policy no", "case number")
	add(aStaff, "employee", "employeeid", "employee_id", "emp", "staff", "personnel", "pernr", "badge", "payroll", "worker", "matricola", "matricule", "personalnummer", "mitarbeiter")
	add(anAccount, "arn:aws", "account_id", "accountid", "account-id", "aws_account", "awsaccount", "aws account", "account id", "aws-account", ".dkr.ecr", "owner_id", "ownerid", "caller identity", "principal")
	add(anAddress, "address", "adresse", "anschrift", "dirección", "indirizzo", "endereço", "adres", "street", "postal", "lives at", "living at", "live at", "located at", "resides", "residing", "wohnhaft", "ship to", "deliver to", "sent to", "shipping", "billing", "headquarters", "office is at", "office at", "offices are", "return to", "arrived at")
	add(aPostcode, "zip", "zipcode", "zip code", "postcode", "postal code", "postalcode", "plz", "postleitzahl", "code postal", "cap")
	add(aCar, "plate", "license plate", "licence plate", "kennzeichen", "registration", "car reg", "vehicle", "plaka", "plakası", "targa", "matrícula", "immatriculation", "fahrzeug")
	return rs
}

// personal are the keywords of what is personal or private and has a form of its own.
func personal() []rule {
	rs := []rule{
		{keyword: "://", detect: (*worker).address},
		{keyword: `\\`, detect: (*worker).share},
		{keyword: "arn:aws", detect: (*worker).arn},
		{keyword: "/resourcegroups/", detect: (*worker).azure},
		{keyword: "projects/", detect: (*worker).google},
		{keyword: "gcr.io/", detect: (*worker).google},
		{keyword: "-docker.pkg.dev/", detect: (*worker).google},
	}
	for _, lead := range []string{"ul. ", "rue ", "via ", "viale ", "calle ", "rua ", "avenida ", "piazza ", "ulica ", "plaza ", "p.o. box", "chemin "} {
		rs = append(rs, rule{keyword: lead, detect: (*worker).led})
	}
	for _, s := range storageSuffixes() {
		if !strings.HasSuffix(s, ".windows.net") { // which are a vendor's form, found anywhere
			rs = append(rs, rule{keyword: s, detect: (*worker).stored})
		}
	}
	for _, s := range hostSuffixes() {
		rs = append(rs, rule{keyword: s, detect: (*worker).suffix})
	}
	return rs
}

// namedCues are the words that values are joined to.
func namedCues() []rule {
	var rs []rule
	add := func(kind string, words ...string) {
		for _, k := range words {
			rs = append(rs, rule{keyword: k, detect: (*worker).named, hint: hint{kind: kind}})
		}
	}
	add("user", "user", "username", "user_name", "user-name", "userid", "user id", "user_id", "uid", "usr", "login", "loginname", "login_name", "samaccountname", "upn", "nick", "nickname",
		"handle", "assignee", "assignees", "reviewer", "reviewers", "owner", "owners", "author", "authors", "committer", "maintainer", "maintainers", "created_by", "createdby", "updated_by",
		"updatedby", "modified_by", "assigned_to", "assignedto", "reported_by", "requested_by", "reporter", "requester", "approver", "approvers", "approved_by", "built by", "built_by", "run as", "runas",
		"run_as", "account_name", "accountname", "account name", "user name", "benutzer", "benutzername", "usuario", "utilisateur", "logged in as", "logged_in_as", "logname", "sudo_user", "become_user", "ansible_user",
		"remote_user", "whoami", "chown", "su -", "sudo -u", "fixme", "todo", "gecos", "member", "bind", "binddn", "bind_dn", "sender", "recipient", "password for", "invalid user", "session opened for user", "for user", "failed for", "create user", "alter user", "drop user", "grantee", "actor", "impersonate",
		"changed by", "modified by", "edited by", "updated by", "deployed by", "merged by", "committed by", "authored by", "posted by", "assigned to", "assigned by", "closed by", "opened by", "added by", "uploaded by", "pushed by", "triggered by", "started by", "submitted by")
	add("person", "contact", "contact_name", "contact name", "contactname", "manager", "full_name", "fullname", "full name", "display_name", "displayname", "cardholder", "card_holder", "holder", "patient", "patient_name", "beneficiary",
		"customer_name", "customername", "client_name", "employee_name", "account_holder", "first_name", "firstname", "first name", "last_name", "lastname", "last name", "surname", "given_name", "givenname", "family_name",
		"familyname", "middle_name", "middlename", "vorname", "nachname", "prénom", "prenom", "apellido", "apellidos", "cognome", "lead", "tech lead", "on-call", "oncall", "point of contact", "responsible", "ansprechpartner",
		"@author", "signed-off-by", "co-authored-by", "reviewed-by", "acked-by", "tested-by", "reported-by", "suggested-by", "approved-by", "hotfix by", "fix by", "fixed by", "reported by", "requested by", "written by", "created by", "reviewed by", "approved by", "signed by", "maintained by", "name")
	add("host", "host", "hostname", "host_name", "server", "servername", "server_name", "node", "nodename", "computer", "computername", "machine", "workstation", "fqdn", "data source", "datasource", "dbhost", "db_host",
		"broker", "brokers", "bootstrap_servers", "bootstrap.servers", "bootstrap-server", "proxy", "endpoint", "addr", "ssh", "ping", "nslookup", "dig", "traceroute", "telnet", "rsync", "upstream", "peer", "target", "master", "replica", "primary", "seeds", "hosts", "endpoints", "servers", "nodes", "domain")
	add("customer", "customer", "customers", "client", "tenant", "kunde", "kunden", "cliente", "mandant", "customer specific", "debtor", "payer", "on behalf of", "for customer", "for client", "for tenant")
	add("organisation", "company", "company_name", "companyname", "organisation", "organization", "employer", "vendor", "supplier", "firma", "empresa", "société", "azienda", "works for", "work for", "worked for", "working for", "works at", "work at", "worked at", "employed by", "employed at")
	add("address", "street", "street_address", "streetaddress", "address", "address1", "address_line1", "address_1", "addressline1", "postal_address", "postaladdress", "strasse", "straße", "rue", "calle", "via", "home_address", "shipping_address", "billing_address")
	add("location", "city", "town", "birthplace", "place_of_birth", "hometown", "stadt", "ort", "ville", "ciudad", "città", "cidade")
	add("account", "subscription_id", "subscriptionid", "subscription-id", "project_id", "projectid", "gcp_project", "google_cloud_project", "gcloud_project", "gcp_project_id", "billing_account", "tenant_id", "tenantid")
	add("bucket", "bucket", "bucket_name", "bucketname", "s3_bucket", "gcs_bucket", "storage_account", "storageaccount", "container_name")
	return rs
}
