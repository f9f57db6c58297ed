CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE auth_kv (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE conversations (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE conversations_v2 (
    key TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at INTEGER NOT NULL,  -- in milliseconds
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (key, conversation_id)
);
INSERT INTO conversations VALUES ('/src/mill', '{"conversation_id":"k-1","history":[{"user":{"content":{"Prompt":{"prompt":"an earlier state of k-1"}}},"assistant":{"Response":{"message_id":"old","content":"."}}}]}');
INSERT INTO conversations VALUES ('/src/weir', '{"conversation_id":"k-2","history":[{"user":{"content":{"Prompt":{"prompt":"Mend the weir"}}},"assistant":{"Response":{"message_id":"w-1","content":"With moss."}}}]}');
INSERT INTO conversations_v2 VALUES ('/src/loaded', 'k-1', '{"conversation_id":"k-1","history":[]}', 1, 1);
INSERT INTO conversations_v2 VALUES ('/src/mill', 'k-1', '{"conversation_id":"k-1","model_info":{"model_id":"claude-sonnet-4.5"},"history":[
{"user":{"timestamp":"2026-10-05T10:00:00Z","content":{"Prompt":{"prompt":"Stop the wheel"}}},
 "assistant":{"ToolUse":{"message_id":"k-m1","content":"","tool_uses":[{"id":"k-a","name":"execute_bash","args":{"command":"make stop"}},{"id":"k-b","name":"fs_read","args":{"path":"wheel.go"}}]}}},
{"user":{"timestamp":"2026-10-05T10:01:00Z","content":{"CancelledToolUses":{"prompt":"The user interrupted the tool execution.","tool_use_results":[{"tool_use_id":"k-a","content":[{"Text":"Tool use was cancelled by the user"}],"status":"Error"},{"tool_use_id":"k-b","content":[{"Text":"Tool use was cancelled by the user"}],"status":"Error"}]}}},
 "assistant":{"Response":{"content":"Tool uses were interrupted, waiting for the next user prompt"}}},
{"user":{"timestamp":"2026-10-05T10:02:00Z","content":{"Prompt":{"prompt":"Stop it now"}}},
 "assistant":{"ToolUse":{"message_id":"k-m2","content":"","tool_uses":[{"id":"k-c","name":"execute_bash","args":{"command":"rm wheel"}}]}}},
{"user":{"content":{"CancelledToolUses":{"prompt":"Tool use with execute_bash was rejected because the arguments supplied were forbidden","tool_use_results":[{"tool_use_id":"k-c","content":[],"status":"Error"}]}}},
 "assistant":{"ToolUse":{"message_id":"k-m3","content":"","tool_uses":[{"id":"k-d","name":"fs_write","args":{"command":"create","path":"brake.go","file_text":"package brake\n"}},{"id":"k-e","name":"use_aws","args":{"service_name":"s3","operation_name":"list-buckets"}}]}}},
{"user":{"content":{"CancelledToolUses":{"prompt":"I deny this tool request. Ask a follow up question clarifying the expected action","tool_use_results":[{"tool_use_id":"k-d","content":[],"status":"Error"},{"tool_use_id":"k-e","content":[],"status":"Error"}]}}},
 "assistant":{"Response":{"message_id":"k-m4","content":"How, then?"}}}
]}', 1, 2);
