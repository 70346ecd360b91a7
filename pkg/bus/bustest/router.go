package bustest

func routerTests() map[string]test { return nil }
