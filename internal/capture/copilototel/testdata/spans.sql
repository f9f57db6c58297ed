CREATE TABLE schema_version (version INTEGER PRIMARY KEY);
CREATE TABLE spans (
  span_id TEXT PRIMARY KEY, trace_id TEXT NOT NULL, parent_span_id TEXT, name TEXT NOT NULL, start_time_ms INTEGER NOT NULL, end_time_ms INTEGER NOT NULL,
  status_code INTEGER NOT NULL DEFAULT 0, status_message TEXT, operation_name TEXT, conversation_id TEXT, chat_session_id TEXT);
CREATE TABLE span_attributes (span_id TEXT NOT NULL REFERENCES spans(span_id) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT, PRIMARY KEY (span_id, key));
CREATE TABLE span_events (id INTEGER PRIMARY KEY AUTOINCREMENT, span_id TEXT NOT NULL REFERENCES spans(span_id) ON DELETE CASCADE, name TEXT NOT NULL, timestamp_ms INTEGER NOT NULL, attributes TEXT);

INSERT INTO spans (span_id, trace_id, parent_span_id, name, start_time_ms, end_time_ms, status_code, status_message) VALUES
  ('00000000000000a1', '0000000000000000000000000000000a', NULL, 'invoke_agent GitHub Copilot Chat', 1780000000000.25, 1780000009000, 1, NULL),
  ('00000000000000a2', '0000000000000000000000000000000a', '00000000000000a1', 'chat gpt-5', 1780000001000, 1780000002000, 0, NULL),
  ('00000000000000a3', '0000000000000000000000000000000a', '00000000000000a1', 'execute_hook PreToolUse', 1780000002100, 1780000002200, 1, NULL),
  ('00000000000000a4', '0000000000000000000000000000000a', '00000000000000a1', 'execute_tool replace_string_in_file', 1780000002300, 1780000002400, 1, NULL),
  ('00000000000000a5', '0000000000000000000000000000000a', '00000000000000a1', 'execute_hook PreToolUse', 1780000002500, 1780000002600, 2, 'the sluice stays'),
  ('00000000000000a6', '0000000000000000000000000000000a', '00000000000000a1', 'chat gpt-5', 1780000003000, 1780000004000, 0, NULL),
  ('00000000000000b1', '0000000000000000000000000000000b', NULL, 'chat gpt-5-mini', 1780000000100, 1780000000200, 0, NULL);

INSERT INTO span_attributes VALUES
  ('00000000000000a1', 'gen_ai.operation.name', 'invoke_agent'),
  ('00000000000000a1', 'gen_ai.conversation.id', 'mill-1'),
  ('00000000000000a1', 'copilot_chat.chat_session_id', 'mill-1'),
  ('00000000000000a1', 'copilot_chat.user_request', 'lift the gate'),
  ('00000000000000a1', 'copilot_chat.prompt_instructions', 'Close what you open.'),
  ('00000000000000a1', 'copilot_chat.repo.remote_url', 'https://git.example/mill/weir'),
  ('00000000000000a1', 'gen_ai.usage.input_tokens', '70'),
  ('00000000000000a1', 'gen_ai.tool.definitions', '[{"name":"replace_string_in_file"}]'),
  ('00000000000000a2', 'gen_ai.operation.name', 'chat'),
  ('00000000000000a2', 'gen_ai.conversation.id', 'resp-1'),
  ('00000000000000a2', 'gen_ai.response.id', 'resp-1'),
  ('00000000000000a2', 'gen_ai.response.model', 'gpt-5'),
  ('00000000000000a2', 'copilot_chat.chat_session_id', 'mill-1'),
  ('00000000000000a2', 'copilot_chat.reasoning_content', 'a gate lifts'),
  ('00000000000000a2', 'gen_ai.usage.input_tokens', '30'),
  ('00000000000000a2', 'gen_ai.usage.cache_read.input_tokens', '10'),
  ('00000000000000a2', 'gen_ai.usage.output_tokens', '5'),
  ('00000000000000a2', 'gen_ai.input.messages', '[{"role":"system","parts":[{"type":"text","content":"You mill."}]},{"role":"user","parts":[{"type":"text","content":"<attachments>\n</attachments>\n<userRequest>\nlift the gate\n</userRequest>"}]}]'),
  ('00000000000000a2', 'gen_ai.output.messages', '[{"role":"assistant","parts":[{"type":"text","content":"Lifting."},{"type":"tool_call","id":"call_1","name":"replace_string_in_file","arguments":"{\"filePath\":\"/src/gate.go\",\"oldString\":\"shut\",\"newString\":\"open\"}"},{"type":"tool_call","id":"call_2","name":"run_in_terminal","arguments":"{\"command\":\"rm -r sluice\"}"}]}]'),
  ('00000000000000a3', 'gen_ai.operation.name', 'execute_hook'),
  ('00000000000000a3', 'copilot_chat.chat_session_id', 'mill-1'),
  ('00000000000000a3', 'copilot_chat.hook_type', 'PreToolUse'),
  ('00000000000000a3', 'copilot_chat.hook_result_kind', 'success'),
  ('00000000000000a3', 'copilot_chat.hook_input', '{"tool_name":"replace_string_in_file","tool_input":{"filePath":"/src/gate.go","oldString":"shut","newString":"open"},"tool_use_id":"call_1__vscode-1"}'),
  ('00000000000000a3', 'copilot_chat.hook_output', '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"ask"}}'),
  ('00000000000000a4', 'gen_ai.operation.name', 'execute_tool'),
  ('00000000000000a4', 'copilot_chat.chat_session_id', 'mill-1'),
  ('00000000000000a4', 'gen_ai.tool.name', 'replace_string_in_file'),
  ('00000000000000a4', 'gen_ai.tool.call.id', 'call_1'),
  ('00000000000000a4', 'gen_ai.tool.call.arguments', '{"filePath":"/src/gate.go","oldString":"shut","newString":"open"}'),
  ('00000000000000a4', 'gen_ai.tool.call.result', '{"node":{"type":1,"children":[{"type":2,"text":"edited: "},{"type":2,"text":"gate.go"}],"props":{}}}'),
  ('00000000000000a5', 'gen_ai.operation.name', 'execute_hook'),
  ('00000000000000a5', 'copilot_chat.chat_session_id', 'mill-1'),
  ('00000000000000a5', 'copilot_chat.hook_type', 'PreToolUse'),
  ('00000000000000a5', 'copilot_chat.hook_result_kind', 'error'),
  ('00000000000000a5', 'copilot_chat.hook_input', '{"tool_name":"run_in_terminal","tool_input":{"command":"rm -r sluice"},"tool_use_id":"call_2__vscode-2"}'),
  ('00000000000000a6', 'gen_ai.operation.name', 'chat'),
  ('00000000000000a6', 'gen_ai.conversation.id', 'resp-1'),
  ('00000000000000a6', 'gen_ai.response.id', 'resp-1'),
  ('00000000000000a6', 'gen_ai.response.model', 'gpt-5'),
  ('00000000000000a6', 'copilot_chat.chat_session_id', 'mill-1'),
  ('00000000000000a6', 'gen_ai.usage.input_tokens', '40'),
  ('00000000000000a6', 'gen_ai.usage.output_tokens', '2'),
  ('00000000000000a6', 'gen_ai.output.messages', '[{"role":"assistant","parts":[{"type":"text","content":"The gate is open."}]}]'),
  ('00000000000000b1', 'gen_ai.operation.name', 'chat'),
  ('00000000000000b1', 'gen_ai.conversation.id', 'resp-2'),
  ('00000000000000b1', 'gen_ai.response.id', 'resp-2'),
  ('00000000000000b1', 'copilot_chat.parent_chat_session_id', 'mill-1'),
  ('00000000000000b1', 'copilot_chat.debug_log_label', 'title'),
  ('00000000000000b1', 'copilot_chat.user_request', 'Write a title for: lift the gate');

INSERT INTO span_events (span_id, name, timestamp_ms, attributes) VALUES
  ('00000000000000a1', 'user_message', 1780000000000.5, '{"content":"lift the gate","copilot_chat.chat_session_id":"mill-1"}'),
  ('00000000000000a1', 'turn_start', 1780000000001, '{"turnId":"0"}');
