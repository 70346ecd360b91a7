package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"github.com/vedette/vedette/services/vedette/client"
)

// editInEditor lets people change a check's definition as YAML. What the server refuses is shown at
// the top of the file when it is opened again; when the check was changed meanwhile, the text is
// kept and nothing is overwritten.
func (a *app) editInEditor(ctx context.Context, c *client.Client, check client.Check, etag string) (client.Check, error) {
	id := check.Value.ID
	raw, err := json.Marshal(check.Value.Definition)
	if err != nil {
		return check, fmt.Errorf("encode the definition: %w", err)
	}
	var before bytes.Buffer
	if err := encode(&before, "yaml", raw); err != nil {
		return check, err
	}
	draft := before.Bytes()
	comment := fmt.Sprintf("# Check %s, revision %d. Save and close to change it; leave it as it is to change nothing.\n", id, check.Value.Revision)
	for {
		edited, err := a.openEditor(ctx, id, append([]byte(comment), draft...))
		if err != nil {
			return check, err
		}
		edited = withoutComments(edited)
		if bytes.Equal(bytes.TrimSpace(edited), bytes.TrimSpace(draft)) {
			return check, errors.New("nothing was changed")
		}
		draft = edited
		definition, err := parseObject(edited)
		if err != nil {
			comment = commented(err)
			continue
		}
		changed, err := c.ReplaceCheck(ctx, id, definition, etag)
		var refused *client.Problem
		switch {
		case errors.As(err, &refused) && refused.Status == http.StatusPreconditionFailed:
			return check, keepDraft(id, draft, err)
		case errors.As(err, &refused) && refused.Refused() && len(refused.Errors) > 0:
			comment = commented(err)
		case err != nil:
			return check, keepDraft(id, draft, err)
		default:
			return changed, nil
		}
	}
}

// withoutComments drops the lines of comment at the top.
func withoutComments(text []byte) []byte {
	for bytes.HasPrefix(text, []byte("#")) {
		_, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
	}
	return text
}

func commented(err error) string {
	var out strings.Builder
	out.WriteString("# This was refused. Mend it, or leave it as it is to give up.\n#\n")
	for line := range strings.Lines(err.Error()) {
		out.WriteString("# " + strings.TrimRight(line, "\n") + "\n")
	}
	return out.String()
}

// keepDraft keeps what was written, so that it is not lost to a conflict.
func keepDraft(id string, draft []byte, because error) error {
	file, err := os.CreateTemp("", "vedette-"+id+"-*.yaml")
	if err != nil {
		return errors.Join(because, err)
	}
	_, err = file.Write(draft)
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(because, err)
	}
	return fmt.Errorf("%w\nYour text is kept in %s. To put it in place all the same: vedette check edit %s -f %[2]s", because, file.Name(), id)
}

// openEditor shows a text in the editor and returns what it has become.
func (a *app) openEditor(ctx context.Context, id string, content []byte) ([]byte, error) {
	file, err := os.CreateTemp("", "vedette-"+id+"-*.yaml")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(content)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	editor := a.editor()
	// The variable may hold arguments, as for every program that calls an editor.
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", editor+` "$1"`, "sh", file.Name())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.In, a.Out, a.Err
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("the editor %s: %w: name another one in EDITOR, or change the check by flags", editor, err)
	}
	return os.ReadFile(file.Name())
}

func (a *app) editor() string {
	for _, name := range []string{"VISUAL", "EDITOR"} {
		if editor, ok := a.Env(name); ok && editor != "" {
			return editor
		}
	}
	return "vi"
}
