package setup

import "strings"

// changesMax bounds the lines that are compared: a config has some hundreds.
const changesMax = 2000

// changes are the lines in which two texts differ, in their order, as diff has them.
func changes(before, after string) (all []string) {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	if len(a) > changesMax || len(b) > changesMax {
		return []string{"(too long to compare here: use diff)"}
	}
	// longest[i][j]: how many lines a[i:] and b[j:] have in common
	longest := make([][]uint16, len(a)+1)
	for i := range longest {
		longest[i] = make([]uint16, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && longest[i+1][j] >= longest[i][j+1]:
			all = append(all, "- "+a[i])
			i++
		default:
			all = append(all, "+ "+b[j])
			j++
		}
	}
	return all
}
