// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"strings"
	"testing"
)

func TestAPasswordIsFoundBehindWhatItIsFor(t *testing.T) {
	stands(t, newScrubber(t, Config{}), []string{
		"the password for jenkins is %s\n", "The password for the jenkins server is %s.\n", "The password of the admin account is: %s\n", "The root password on db1 is %s\n", "Password for user anna: %s\n", "Passwort für root: %s\n",
		"Das Passwort für den Jenkins lautet %s.\n", "Das Passwort vom Admin ist %s\n", "le mot de passe de l'admin est %s\n", "Le mot de passe du serveur est : %s\n", "la contraseña de root es %s\n", "La contraseña para el servidor es: %s\n",
		"la password di root è %s\n", "a senha do admin é %s\n", "het wachtwoord voor root is %s\n", "Hasło do serwera to %s\n", "пароль от сервера: %s\n", "Kennwort für VPN = %s\n", "passwd for anna -> %s\n", "password (admin): %s\n",
		"Password [admin]: %s\n", "use the password %s for it\n", "logged in with password %s and it works\n", "your new password will be %s\n", "the secret for the webhook is %s\n", "密码：%s\n", "密码是%s\n", "パスワードは%s\n",
	}, []string{"tulpe77", "dahlie-12"})
	stands(t, newScrubber(t, Config{}), []string{"the password for the old printer is %s\n", "The password of the admin account is: %s.\n", "Das Passwort für root lautet %s.\n", "Passwort für root: %s\n"}, []string{"dahlien", "tulpenfeld"})
	stands(t, newScrubber(t, Config{}), []string{"PIN for the door: %s\n", "The pin of my card is %s\n", "PIN für die Tür: %s\n"}, []string{"4711", "471108"})
	stands(t, newScrubber(t, Config{}), []string{"the api key for the billing service is %s\n", "token for staging: %s\n"}, []string{"k3j4h5k3j4"})
}

func TestWhatATextSaysOfAPasswordForSomethingStays(t *testing.T) {
	unchanged(t,
		"the password for the user is wrong\n", "The password for this account is stored in the vault.\n", "The password for jenkins is in the vault.\n", "Password for the user: see the wiki\n", "The password of the user is required.\n",
		"Password for the account that is used: string\n", "The token for this request is missing\n", "Enter password for root:\n", "the key for the map is its name\n", "the password for each user is hashed with bcrypt\n", "the password for the store is SHA256 hashed\n",
		"Le mot de passe de l'utilisateur est obligatoire\n", "Das Passwort für den Benutzer ist abgelaufen.\n", "Das Passwort muss mindestens acht Zeichen haben.\n", "La contraseña es obligatoria\n", "the secret of its success is simple\n",
		"The password for the keystore is read from the environment.\n", "Passwords for services are rotated weekly.\n", "a secret for signing is generated\n", "Set the password to something safe\n", "Invalid password for user: root\n", "Wrong password for admin: try again\n",
		"password for user: required\n", "password (string): the user's password\n", "the api key for the service is missing\n",
	)
}

func TestALoginIsAnAccountAndAPassword(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"login: xqzmor / dahlie12\n", "Login: xqzmor/dahlie12\n", "user/pass: xqzmor/dahlie12\n", "username/password: xqzmor/dahlie12\n", "user / password: xqzmor / dahlie12\n", "credentials: xqzmor / dahlie12\n", "creds: xqzmor:dahlie12\n",
		"Login with xqzmor / dahlie12\n", "Zugangsdaten: xqzmor / dahlie12\n", "user:pass = xqzmor:dahlie12\n", "Login data: xqzmor / dahlie12.\n",
	} {
		if out := scrubbed(t, s, text); strings.Contains(out, "xqzmor") || strings.Contains(out, "dahlie12") {
			t.Errorf("%q became %q", text, out)
		}
	}
	unchanged(t, "login: open / closed\n", "Login: see docs/login\n", "login/logout: done\n", "user/password: see above\n", "\"login\": \"Log in / Sign up\"\n", "Login: Google / GitHub\n", "credentials: read / write\n", "user/group: root/root\n", "login: docs/login2\n")
}

func TestAPassphraseMayHaveCapitals(t *testing.T) {
	stands(t, newScrubber(t, Config{}), []string{
		"Passphrase: %s\n", "Password: %s\n", "Wifi password: %s\n", "- Password: %s\n", "**Passphrase:** %s\n", "the passphrase is %s\n", "Passphrase is %s.\n", "admin password = %s\n", "Passwort: %s\n",
	}, []string{"Correct Horse Battery Staple", "Blaue Otter Schwimmen"})
	unchanged(t,
		"Password: Enter A New One\n", "Password: The Password Of The User\n", "Password: Required Field\n", "Password: Minimum Eight Characters\n", "Passphrase: Optional\n", "password: Change Password\n", "Password: Forgot Your Password?\n", "Password: One Time Password\n",
		"Password: New Password Confirm\n", "Passphrase: the words that unlock the key\n", "The passphrase is used to unlock the key\n", "Password: Please enter one\n", "Password: Passwort Bitte Eingeben\n",
	)
}
