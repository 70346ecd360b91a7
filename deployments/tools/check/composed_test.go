package check_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

// The composition as it is, but for containers: each process as a program of its own with exactly
// its environment, against a server by nats.conf, watched by its own health check, does its work.
func TestTheComposedProcessesWorkTogether(t *testing.T) {
	url := natsServer(t).ClientURL()
	project := loaded(t)
	vedette := program(t)
	var api string
	for _, name := range processes() {
		s := project.Services[name]
		for range s.GetScale() {
			address := free(t)
			if name == "api" {
				api = "http://" + address
			}
			start(t, vedette, s, address, url)
		}
	}

	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(target.Close)
	require.Equal(t, http.StatusUnauthorized, ask(t, http.MethodGet, api+"/api/v1/overview", "", "").code)
	token := "secret-VEDETTE_ADMIN_TOKEN"
	created := ask(t, http.MethodPost, api+"/api/v1/services", token, `{"id":"web","name":"Web"}`)
	require.Equal(t, http.StatusCreated, created.code, created.body)
	created = ask(t, http.MethodPost, api+"/api/v1/checks", token,
		fmt.Sprintf(`{"id":"home","service":"web","kind":"http","target":%q,"interval":"1s"}`, target.URL))
	require.Equal(t, http.StatusCreated, created.code, created.body)
	require.Eventually(t, func() bool {
		return strings.Contains(ask(t, http.MethodGet, api+"/api/v1/services/web", token, "").body, `"status":"up"`)
	}, 30*time.Second, 100*time.Millisecond, "one of three runners executes it, and all else follows")
	runners := ask(t, http.MethodGet, api+"/api/v1/runners", token, "")
	require.Contains(t, runners.body, `"total":3`)
}

// start starts a service as Compose would, on another address, and waits until it is well.
func start(t *testing.T, vedette string, s types.ServiceConfig, address, nats string) {
	t.Helper()
	port := address[strings.LastIndex(address, ":"):]
	var out bytes.Buffer
	cmd := exec.Command(vedette, s.Command...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = []string{"PATH=/nowhere"}
	for variable, value := range s.Environment {
		v := strings.ReplaceAll(*value, "nats://nats:4222", nats)
		v = strings.NewReplacer("0.0.0.0:8080", "0.0.0.0"+port, "0.0.0.0:8081", "127.0.0.1"+port).Replace(v)
		v = strings.NewReplacer("secret-NATS_PASSWORD", appPassword, "secret-NATS_RUNNER_PASSWORD", runnerPassword).Replace(v)
		cmd.Env = append(cmd.Env, variable+"="+v)
	}
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		late := time.AfterFunc(time.Duration(*s.StopGracePeriod), func() { _ = cmd.Process.Kill() }) // as Compose does
		defer late.Stop()
		require.NoError(t, <-ended, "%s stops well when it is told to:\n%s", s.Name, &out)
	})
	check := append([]string(nil), s.HealthCheck.Test[2:]...)
	for i := range check {
		check[i] = strings.NewReplacer(":8080", port, ":8081", port).Replace(check[i])
	}
	require.Eventually(t, func() bool { return exec.CommandContext(t.Context(), vedette, check...).Run() == nil },
		30*time.Second, 50*time.Millisecond, "%s is well by %v", s.Name, check)
}

// free is an address that nobody uses just now.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

type answer struct {
	code int
	body string
}

func ask(t *testing.T, method, url, token, body string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	require.NoError(t, err)
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return answer{response.StatusCode, string(raw)}
}
