package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/superfly/fly-go/flaps"
	"github.com/superfly/fly-go/tokens"
)

// suite runs calls one after the other and prints a line for each: "ok CALL - what" or "not ok CALL - what => why".
type suite struct {
	ctx     context.Context
	client  *flaps.Client
	covered map[string]bool
	failed  int
}

func newSuite() (*suite, error) {
	client, err := connect("FlyV1 fm2_emulator_anything")
	if err != nil {
		return nil, err
	}

	return &suite{ctx: context.Background(), client: client, covered: map[string]bool{}}, nil
}

// connect makes a client of the address in FLY_FLAPS_BASE_URL.
func connect(token string) (*flaps.Client, error) {
	options := flaps.NewClientOpts{UserAgent: "fly-mcp-tests"}
	if token != "" {
		options.Tokens = tokens.Parse(token)
	}

	return flaps.NewWithOptions(context.Background(), options)
}

// call carries out one check of one of the client's methods. The method is given as a value, so that a name that
// does not exist does not compile.
func (s *suite) call(method any, what string, check func(ctx context.Context) error) {
	name := methodName(method)
	s.covered[name] = true
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	s.report(name, what, guarded(ctx, check))
}

func (s *suite) report(name, what string, err error) {
	if err == nil {
		fmt.Printf("ok %s - %s\n", name, what)

		return
	}
	s.failed++
	fmt.Printf("not ok %s - %s => %s\n", name, what, strings.ReplaceAll(err.Error(), "\n", "; "))
}

// methods compares what was called with what the client has: a method that an upgrade adds has to be called too,
// or be left out with a reason.
func (s *suite) methods(leftOut map[string]string) {
	var problems []error
	client := reflect.TypeOf(s.client)
	there := map[string]bool{}
	for index := range client.NumMethod() {
		name := client.Method(index).Name
		there[name] = true
		_, left := leftOut[name]
		switch {
		case s.covered[name] && left:
			problems = append(problems, fmt.Errorf("%s is called and on the list of those left out", name))
		case !s.covered[name] && !left:
			problems = append(problems, fmt.Errorf("%s is neither called nor left out with a reason", name))
		}
	}
	for name := range leftOut {
		if !there[name] {
			problems = append(problems, fmt.Errorf("%s is left out, and the client has no such method", name))
		}
	}
	what := fmt.Sprintf("%d of %d methods called", len(s.covered), client.NumMethod())
	s.report("(methods)", what, errors.Join(problems...))
}

func guarded(ctx context.Context, check func(ctx context.Context) error) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("panic: %v", panicked)
		}
	}()

	return check(ctx)
}

func methodName(method any) string {
	// "github.com/superfly/fly-go/flaps.(*Client).Launch-fm"
	full := runtime.FuncForPC(reflect.ValueOf(method).Pointer()).Name()
	name := strings.TrimSuffix(full[strings.LastIndex(full, ".")+1:], "-fm")
	if !strings.Contains(full, "/flaps.(*Client).") {
		fmt.Fprintf(os.Stderr, "%s is no method of the client\n", full)
		os.Exit(2)
	}

	return name
}

// refused checks that an error is Fly's: its status, its text, its request id.
func refused(err error, status int, text string) error {
	var refusal *flaps.FlapsError
	switch {
	case err == nil:
		return fmt.Errorf("was not refused, %d expected", status)
	case !errors.As(err, &refusal):
		return fmt.Errorf("no FlapsError: %w", err)
	case refusal.ResponseStatusCode != status:
		return fmt.Errorf("status %d instead of %d: %s", refusal.ResponseStatusCode, status, refusal.ResponseBodyString())
	case !strings.Contains(refusal.Error(), text):
		return fmt.Errorf("the text is %q, without %q", refusal.Error(), text)
	case flaps.GetErrorRequestID(err) == "" && flaps.GetErrorRequestID(refusal) == "":
		return errors.New("no request id")
	}

	return nil
}

func equal[T comparable](what string, got, want T) error {
	if got == want {
		return nil
	}

	return fmt.Errorf("%s is %v instead of %v", what, got, want)
}

func isTrue(what string, holds bool) error {
	if holds {
		return nil
	}

	return errors.New("not so: " + what)
}

func all(problems ...error) error { return errors.Join(problems...) }

func pointer[T any](value T) *T { return &value }
