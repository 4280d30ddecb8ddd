package sim

// Lost says that this disk loses nothing by itself: a world whose disk does is a broken one (see store.forget).
func (h handle) Lost() string { return "" }
