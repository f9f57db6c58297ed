// SPDX-License-Identifier: Apache-2.0

package specstory

import "strings"

// use is what the lines of a tool's use hold.
type use struct {
	path, command string
	before, after string
	diff          bool // before and after are of a diff
	result        string
	answered      bool
}

// used reads a tool's use: a summary that may name the file, a command or a path in a line of its own, what was written as
// code in its language, and the result as code that is text.
func used(lines []string) (u use) {
	for i := 1; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if _, summary, ok := strings.Cut(line, "<summary>"); ok {
			summary, _, _ = strings.Cut(summary, "</summary>")
			if _, file, ok := strings.Cut(summary, "dit file: "); ok { // Edit file: or edit file:
				u.path = strings.TrimSpace(file)
			}
			continue
		}
		if len(line) > 2 && line[0] == '`' && line[len(line)-1] == '`' && !strings.Contains(line[1:len(line)-1], "`") && !u.answered {
			u.inline(line[1 : len(line)-1])
			continue
		}
		_, n := fence(lines[i])
		if n == 0 {
			continue
		}
		lang := strings.TrimSpace(strings.Trim(line, "`~"))
		end := codeEnd(lines, i, n, lang == "text" || lang == "")
		code := strings.Join(lines[i+1:end], "\n")
		switch i = end; lang {
		case "text", "":
			u.result, u.answered = code, true
		case "bash", "sh", "shell", "zsh", "powershell":
			u.command = code
		case "diff":
			u.diff = true
			b, a := sides(code)
			u.before, u.after = u.before+b, u.after+a
		default:
			if u.after == "" {
				u.after = code + "\n"
			}
		}
	}
	if u.path == "" {
		u.path = named(u.result)
	}
	return u
}

// inline is a command, or the path of a file: a path has no blanks before its last slash, and a command seldom begins so.
func (u *use) inline(text string) {
	if strings.HasPrefix(text, "/") && !strings.ContainsAny(text, " |;&") || strings.HasPrefix(text, "./") && !strings.ContainsAny(text, " |;&") {
		u.path = text
		return
	}
	if u.command == "" {
		u.command = text
	}
}

// codeEnd is the line that ends the code that begins at line i. A result is the last there is, and may hold marks like
// its own: it ends with the last such line.
func codeEnd(lines []string, i, n int, last bool) int {
	end := 0
	for j := i + 1; j < len(lines); j++ {
		if _, m := fence(lines[j]); m >= n && bare(lines[j]) {
			if end = j; !last {
				return j
			}
		}
	}
	if end == 0 {
		end = len(lines) - 1 // the end of the tool's use
	}
	return max(end, i+1)
}

// sides are what a diff removes and adds, context included.
func sides(diff string) (before, after string) {
	var b, a strings.Builder
	for line := range strings.Lines(diff) {
		if !strings.HasSuffix(line, "\n") {
			line += "\n"
		}
		switch {
		case strings.HasPrefix(line, "@@"), strings.HasPrefix(line, `\`):
		case strings.HasPrefix(line, "-"):
			b.WriteString(line[1:])
		case strings.HasPrefix(line, "+"):
			a.WriteString(line[1:])
		default:
			line = strings.TrimPrefix(line, " ")
			b.WriteString(line)
			a.WriteString(line)
		}
	}
	return b.String(), a.String()
}

// named is the file that a result of Claude Code's speaks of; empty where it speaks of none.
func named(result string) string {
	first, _, _ := strings.Cut(result, "\n")
	if rest, ok := strings.CutPrefix(first, "The file "); ok {
		if file, _, ok := strings.Cut(rest, " has been updated"); ok {
			return file
		}
	}
	if file, ok := strings.CutPrefix(first, "File created successfully at: "); ok {
		return strings.TrimSpace(file)
	}
	return ""
}
