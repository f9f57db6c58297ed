// SPDX-License-Identifier: Apache-2.0

package scrub

import "testing"

// unchanged checks that texts which hold nothing of anybody stay as they are.
func unchanged(t *testing.T, texts ...string) {
	t.Helper()
	s := newScrubber(t, Config{})
	for _, text := range texts {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
}

func TestANumberBesideAWordOfCodeStays(t *testing.T) {
	unchanged(t,
		"const LED_PIN = 1300;\n", "#define LED_PIN 1300\n", "GPIO pin 4096\n", "GPIO_PIN: 4096\n", "pin 10000 rows in memory\n", "could pin 2023 releases\n",
		"Erlang OTP 2024 was\n", "OTP 27000\n", "Erlang/OTP 27000\n", "map pin: 1024 px\n", "access code 4040: not found\n", "exit with access code 1002\n", "security code 1006\n",
		"ledPin = 1300\n", "gpio.pin = 4096\n", "pin = 4096 bytes\n", "PIN 1300 of the board\n",
	)
}

func TestPackagesAreNoAccounts(t *testing.T) {
	long := "npm i"
	for range 40 {
		long += " --save-dev some/path-of-it"
	}
	unchanged(t,
		"@babel/core @types/node\n", "@babel/core @types/node @jest/globals\n\nimport a from '@types/node'\n",
		"npm i --save-dev @sentry/node @jest/globals @eslint/js @typescript-eslint/parser @angular/core @vitejs/plugin-react @testing-library/dom\n",
		"yarn add @scope/kit @nestjs/core\n", "pnpm add -D @scope/kit @nestjs/core\n", "bun add ./kit @nestjs/core\n", "npm install ../kit @nestjs/core\n", "npx @scope/kit @nestjs/core\n",
		long+" @sentry/node @jest/globals @eslint/js\nimport a from '@jest/globals'\n",
		"\"paths\": { \"@app/*\": [\"src/app/*\"] }\nimport x from '@app/kit'\n",
	)
}

func TestTagsOfCodeAreNoAccounts(t *testing.T) {
	unchanged(t,
		"/* @media print */\n", "// see @media, and what follows it\n", "/* the rules of @keyframes, and @supports too, are kept */\n", "// use @extend, not @mixin, where you can\n",
		"/* tell @tailwind what to do, and @layer as well */\n", "// the value of @param is in @returns too\n", "# what @staticmethod does, and @cached_property too\n",
		"// in Java @Override and @Autowired do that\n", "/* see @throws and @deprecated for more of it */\n", "// Angular has @Injectable and @Input for it\n",
		"// what @Composable, @escaping and @objc do\n", "/* Doxygen has @todo and @addtogroup for it */\n", "// and @psalm-suppress too, or @phpstan-ignore, of course\n",
	)
}

func TestSoftwareSaysNothing(t *testing.T) {
	unchanged(t,
		"[10:30] Spring Boot: started\n", "[10:30] Apache Kafka: up\n", "[10:30] Ruby Rails: booted\n", "Meeting Room 10:30\n", "Grace Period 10:30\n",
		"[10:30:11] Jenkins Pipeline: started\n", "[10:30] Robin Hood Hashing: done\n", "[10:30] Build Server: up\n",
	)
}

func TestWordsOfCodeInACallStay(t *testing.T) {
	unchanged(t,
		"login('user', 'next')\n", "login('admin', 'dashboard')\n", "login('/dashboard', 'GET')\n", "createUser('role', 'viewer')\n", "client.auth('basic')\n", "request.auth('bearer')\n",
		"Buffer.from('user:name')\n", "Buffer.from('application:json')\n", "btoa('type:text')\n", "passport.authenticate('google', 'profile')\n", "getConnection('default', 'replica')\n",
		"client.auth('token')\n", "passport.authenticate('jwt', 'session')\n",
	)
}

func TestADescriptionOfAPasswordStays(t *testing.T) {
	unchanged(t,
		"password = hash of the user\n", "Password = input box value\n", "password: see the wiki\n", "password: same as before\n", "passphrase: ask the team\n", "password: min length eight\n",
		"password: must be long and hard\n", "PASSWORD=enter the one you were sent\n", "password: kept in the vault of the team\n",
	)
}

func TestAFileIsNoBranch(t *testing.T) {
	unchanged(t, "git checkout jasper/templates/a.jrxml\n", "git checkout jasper/a.go\n", "git switch feature/checkout/form\n")
}

func TestServicesAreNoAccounts(t *testing.T) {
	unchanged(t,
		"chown -R minio:minio /data\n", "RUN useradd appuser\n", "sudo -u kibana bin/kibana\n", "-rw-r--r-- 1 influxdb influxdb 4096 Nov 27 10:02 a\n", "useradd -r etcd\n",
		"sudo -u solr bin/solr\n", "su cassandra -c x\n", "gosu keycloak run\n",
	)
}

func TestADayIsNoAccount(t *testing.T) {
	unchanged(t, "Last login: Mon May  6 10:02:11\n", "Last login: Tue Nov 12 10:02:11 2024 on ttys001\n")
}

func TestALineThatOnlyStartsAsALetterStays(t *testing.T) {
	unchanged(t, "to: Main\n", "cvv: 12345\n", "cvc 2.134\n", "::add-mask::$TOKEN\n", "::add-mask::${{ steps.x.outputs.y }}\n")
}
