package e2e_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// linear is a colour in linear sRGB, each part from 0 to 1.
type linear [3]float64

// tokens reads the colours of one theme out of the style sheet: every light-dark(oklch(…), oklch(…)).
func tokens(t *testing.T, dark bool) map[string]linear {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "..", "ui", "src", "styles", "tokens.css"))
	require.NoError(t, err)
	pairs := regexp.MustCompile(`--([a-z-]+): light-dark\(oklch\(([^)/]+)\), oklch\(([^)/]+)\)\);`)
	root := regexp.MustCompile(`(?s):root \{.*?\n  \}`).FindString(string(source)) // what asks for more contrast comes later
	found := make(map[string]linear)
	for _, m := range pairs.FindAllStringSubmatch(root, -1) {
		text := m[2]
		if dark {
			text = m[3]
		}
		found[m[1]] = oklch(t, text)
	}
	require.Greater(t, len(found), 25, "the tokens are written otherwise than this test reads them")
	return found
}

// oklch reads "L C H" as CSS has it (Björn Ottosson's Oklab, CSS Color 4, section 9).
func oklch(t *testing.T, text string) linear {
	t.Helper()
	parts := regexp.MustCompile(`[\d.]+`).FindAllString(text, -1)
	require.Len(t, parts, 3, text)
	var n [3]float64
	for i, part := range parts {
		var err error
		n[i], err = strconv.ParseFloat(part, 64)
		require.NoError(t, err)
	}
	hue := n[2] * math.Pi / 180
	lightness, a, b := n[0], n[1]*math.Cos(hue), n[1]*math.Sin(hue)
	l := math.Pow(lightness+0.3963377774*a+0.2158037573*b, 3)
	m := math.Pow(lightness-0.1055613458*a-0.0638541728*b, 3)
	s := math.Pow(lightness-0.0894841775*a-1.2914855480*b, 3)
	return clamped(linear{
		4.0767416621*l - 3.3077115913*m + 0.2309699292*s,
		-1.2684380046*l + 2.6097574011*m - 0.3413193965*s,
		-0.0041960863*l - 0.7034186147*m + 1.7076147010*s,
	})
}

func clamped(c linear) linear {
	for i := range c {
		c[i] = min(1, max(0, c[i]))
	}
	return c
}

// luminance and contrast are those of WCAG 2.2.
func (c linear) luminance() float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] }

func contrast(x, y linear) float64 {
	a, b := x.luminance(), y.luminance()
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

// visions are ways to see colours, as matrices over linear sRGB (Machado, Oliveira and Fernandes 2009,
// severity 1).
func visions() map[string][3]linear {
	return map[string][3]linear{
		"common":       {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
		"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
		"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
		"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
	}
}

func seenBy(vision [3]linear, c linear) linear {
	var seen linear
	for i, row := range vision {
		seen[i] = row[0]*c[0] + row[1]*c[1] + row[2]*c[2]
	}
	return clamped(seen)
}

const (
	// leastText and leastMark are what WCAG 2.2 AA asks of text (1.4.3) and of graphical marks (1.4.11).
	leastText, leastMark = 4.5, 3.0
)

// Every colour is told from what it stands on, whoever looks.
func TestColoursHaveContrastForEveryVision(t *testing.T) {
	surfaces := []string{"bg", "surface", "raise"}
	var low []string
	states := []string{"up", "degraded", "down", "unknown", "maint", "paused"}
	for _, dark := range []bool{false, true} {
		theme := tokens(t, dark)
		for name, vision := range visions() {
			want := func(front, back string, least float64) {
				t.Helper()
				require.Contains(t, theme, front)
				require.Contains(t, theme, back)
				has := contrast(seenBy(vision, theme[front]), seenBy(vision, theme[back]))
				if has < least {
					low = append(low, fmt.Sprintf("%s on %s, dark %t, %s: %.2f, least %.1f", front, back, dark, name, has, least))
				}
			}
			for _, back := range surfaces {
				for _, text := range []string{"text", "muted", "accent"} {
					want(text, back, leastText)
				}
				for _, state := range states {
					want(state, back, leastMark)
					want(state+"-ink", back, leastText)
				}
				want("line-strong", back, leastMark)
			}
			for _, state := range states {
				if state != "paused" { // it has no wash
					want(state+"-ink", state+"-soft", leastText)
				}
			}
			want("text", "accent-soft", leastText)
			want("on-accent", "accent", leastText)
			want("text", "seg-on", leastText)
		}
	}
	require.Empty(t, low)
}

// A reader who cannot tell two colours apart tells the states by their marks: no two have the same
// shape in the page, nor the same height in the bar.
func TestStatesAreToldApartWithoutColour(t *testing.T) {
	read := func(parts ...string) string {
		raw, err := os.ReadFile(filepath.Join(append([]string{"..", "..", "..", "ui", "src"}, parts...)...))
		require.NoError(t, err)
		return string(raw)
	}
	shapes := make(map[string]int)
	for _, m := range regexp.MustCompile(`(?m)<(?:path d|circle [^>]*?r)="([^"]+)"[^\n]*(?:fill|stroke)="var\(--(?:down|degraded|up|unknown|maint|paused)\)"`).FindAllStringSubmatch(read("parts", "Glyph.svelte"), -1) {
		shapes[m[1]]++
	}
	require.GreaterOrEqual(t, len(shapes), 6, "a shape for each state: %v", shapes)
	for shape, n := range shapes {
		require.Equal(t, 1, n, "two states have the shape %s", shape)
	}
	heights := make(map[string]bool)
	for _, m := range regexp.MustCompile(`state: '[a-z]+', height: ([\d.]+)`).FindAllStringSubmatch(read("lib", "beat.ts"), -1) {
		require.False(t, heights[m[1]], "two states have the height %s", m[1])
		heights[m[1]] = true
	}
	require.Len(t, heights, 6)
	require.Contains(t, fmt.Sprint(heights), "26")
}
