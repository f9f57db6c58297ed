# SPDX-License-Identifier: Apache-2.0
"""Counts the syntax errors of files before and after masking, as tree-sitter's grammars see them.

Reads JSON Lines of {"lang", "before", "after"} and writes, for each line, the numbers of error nodes: "before after".
"""
import json
import sys

from tree_sitter_language_pack import get_parser


def errors(parser, text):
    count, stack = 0, [parser.parse(text.encode()).root_node]
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            count += 1
        if node.has_error:
            stack.extend(node.children)
    return count


parsers = {}
for line in sys.stdin:
    doc = json.loads(line)
    if doc["lang"] not in parsers:
        parsers[doc["lang"]] = get_parser(doc["lang"])
    parser = parsers[doc["lang"]]
    print(errors(parser, doc["before"]), errors(parser, doc["after"]))
