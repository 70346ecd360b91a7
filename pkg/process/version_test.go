package process_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/process"
)

func TestTheBuildIsKnown(t *testing.T) {
	b := process.ThisBuild("")
	require.NotEmpty(t, b.Version)
	require.Equal(t, runtime.Version(), b.Go)
	require.Equal(t, "v1.2.3", process.ThisBuild("v1.2.3").Version)
}
