#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sign standard input with an ed25519 key in a PKCS #11 device: pkcs11-sign.py MODULE TOKEN-LABEL KEY-LABEL.

The PIN comes from $HEADRACE_PIN; the 64 bytes of the signature go to standard output. Needs PyKCS11 (Debian: python3-pykcs11).
"""
import os
import sys

import PyKCS11

module, token, key = sys.argv[1:]
lib = PyKCS11.PyKCS11Lib()
lib.load(module)
slots = [s for s in lib.getSlotList(tokenPresent=True) if lib.getTokenInfo(s).label.strip() == token]
if not slots:
    sys.exit(f"no token is called {token}")
session = lib.openSession(slots[0])
session.login(os.environ["HEADRACE_PIN"])
found = session.findObjects([(PyKCS11.CKA_CLASS, PyKCS11.CKO_PRIVATE_KEY), (PyKCS11.CKA_LABEL, key)])
if not found:
    sys.exit(f"no key of {token} is called {key}")
signature = session.sign(found[0], sys.stdin.buffer.read(), PyKCS11.Mechanism(PyKCS11.CKM_EDDSA))
sys.stdout.buffer.write(bytes(signature))
