CREATE TABLE `session` (`id` text PRIMARY KEY, `project_id` text NOT NULL, `parent_id` text, `directory` text NOT NULL, `title` text NOT NULL, `version` text NOT NULL, `revert` text);
CREATE TABLE `message` (`id` text PRIMARY KEY, `session_id` text NOT NULL, `time_created` integer NOT NULL, `time_updated` integer NOT NULL, `data` text NOT NULL);
CREATE TABLE `part` (`id` text PRIMARY KEY, `message_id` text NOT NULL, `session_id` text NOT NULL, `time_created` integer NOT NULL, `time_updated` integer NOT NULL, `data` text NOT NULL);
INSERT INTO session VALUES ('ses_a', 'p', NULL, '/src/mill', 'Weir', '1.4.0', '{"messageID":"msg_c"}'), ('ses_b', 'p', 'ses_a', '/src/mill', 'Look (@explore subagent)', '1.4.0', NULL);
INSERT INTO message VALUES ('msg_a', 'ses_a', 1, 1, '{"role":"user","time":{"created":1768032001000},"model":{"providerID":"openai","modelID":"gpt-5"}}'),
 ('msg_b', 'ses_a', 2, 2, '{"role":"assistant","time":{"created":1768032002000},"modelID":"gpt-5","providerID":"openai","cost":0.25,"tokens":{"input":10,"output":20,"cache":{"read":0,"write":0}},"error":{"name":"MessageAbortedError"}}'),
 ('msg_c', 'ses_a', 3, 3, '{"role":"user","time":{"created":1768032003000}}'),
 ('msg_d', 'ses_a', 4, 4, '{"role":"assistant","time":{"created":1768032004000},"modelID":"gpt-5","providerID":"openai"}'),
 ('msg_e', 'ses_b', 5, 5, '{"role":"user","time":{"created":1768032005000}}'),
 ('msg_f', 'ses_b', 6, 6, 'torn');
INSERT INTO part VALUES ('prt_a', 'msg_a', 'ses_a', 1, 1, '{"type":"text","text":"mend the weir"}'),
 ('prt_b', 'msg_b', 'ses_a', 2, 2, '{"type":"text","text":"First the stones"}'),
 ('prt_c', 'msg_c', 'ses_a', 3, 3, '{"type":"text","text":"with moss"}'),
 ('prt_d', 'msg_d', 'ses_a', 4, 4, '{"type":"tool","tool":"apply_patch","callID":"call_patch","state":{"status":"completed","input":{"patchText":"*** Begin Patch\n*** Update File: weir.go\n@@\n-gap\n+moss\n*** End Patch"},"output":"ok","time":{"start":1768032004000,"end":1768032005000}}}'),
 ('prt_e', 'msg_e', 'ses_b', 5, 5, '{"type":"text","text":"Find all weirs."}');
