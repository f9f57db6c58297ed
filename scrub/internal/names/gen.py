# SPDX-License-Identifier: Apache-2.0

# Prints the names of Python's Faker as JSON, for gen.mjs: pip install Faker==VERSION && python3 gen.py > names.json
import importlib
import json
import pkgutil

import faker.providers.address
import faker.providers.person

WANTED = {
    "given": ("first_name",),
    "family": ("last_name", "surname"),
    "place": ("cities", "city_names", "city_list", "towns", "municipalities"),
    "country": ("countries",),
}
found = {kind: set() for kind in WANTED}


def gather(kind, x):
    if isinstance(x, str):
        found[kind].add(x)
    elif isinstance(x, (list, tuple, dict, set)):
        for y in x:
            gather(kind, y)


for package in (faker.providers.person, faker.providers.address):
    for module in pkgutil.iter_modules(package.__path__):
        provider = importlib.import_module(f"{package.__name__}.{module.name}").Provider
        for field in dir(provider):
            for kind, starts in WANTED.items():
                if field.startswith(starts) and not callable(getattr(provider, field)):
                    gather(kind, getattr(provider, field))
print(json.dumps({kind: sorted(words) for kind, words in found.items()}, ensure_ascii=False))
