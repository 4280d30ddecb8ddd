package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Need is a group that the kiosk's user must be in, and what for.
type Need struct {
	Group string // "gpio"
	For   string // "the pins"
}

// user is a line of /etc/passwd.
type user struct {
	name     string
	uid, gid int
}

// entries reads /etc/passwd or /etc/group: lines of fields with colons between. Lines that have too few are left out.
func entries(text string, fields int) [][]string {
	var all [][]string
	for line := range strings.Lines(text) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) >= fields && f[0] != "" {
			all = append(all, f)
		}
	}
	return all
}

// findUser gives a user by name.
func (r Root) findUser(name string) (user, bool) {
	text, _ := r.read("/etc/passwd")
	for _, f := range entries(text, 4) {
		uid, err := strconv.Atoi(f[2])
		gid, err2 := strconv.Atoi(f[3])
		if f[0] == name && err == nil && err2 == nil {
			return user{name, uid, gid}, true
		}
	}
	return user{}, false
}

// ServiceUser is the user that the kiosk runs as: the one that its installed unit names, else otherwise.
func ServiceUser(r Root, otherwise string) string {
	unit, _ := r.unit()
	for line := range strings.Lines(unit) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "User="); ok && name != "" {
			return name
		}
	}
	return otherwise
}

// Groups finds groups that the user is not in, by the files in /etc. The super-user needs none, and neither does what a
// unit of the same name adds with SupplementaryGroups.
func Groups(r Root, name string, needs []Need) []Finding {
	const area = "groups"
	if len(needs) == 0 {
		return []Finding{Ok(area, "the config uses no device that belongs to a group")}
	}
	if name == "root" {
		return []Finding{Ok(area, "kioskd runs as root, who may use every device")}
	}
	u, ok := r.findUser(name)
	unit, _ := r.unit()
	if !ok && !strings.Contains(unit, "DynamicUser=yes") {
		return []Finding{Failed(area, fmt.Sprintf("there is no user %q", name),
			fmt.Sprintf("sudo useradd --system %s, or name the right one: kioskd doctor --user NAME", name))}
	}
	text, err := r.read("/etc/group")
	if err != nil {
		return []Finding{Warned(area, fmt.Sprintf("the groups cannot be read: %v", err), "look with: id "+name)}
	}
	var found []Finding
	for _, need := range needs {
		f := slices.IndexFunc(entries(text, 4), func(f []string) bool { return f[0] == need.Group })
		switch {
		case f < 0:
			found = append(found, Failed(area, fmt.Sprintf("there is no group %q, which may use %s on Raspberry Pi OS",
				need.Group, need.For),
				fmt.Sprintf("sudo groupadd --system %[1]s, give the device to it with a udev rule, then sudo usermod "+
					"-aG %[1]s %[2]s", need.Group, name)))
		case !in(entries(text, 4)[f], u) && !slices.Contains(supplementary(unit), need.Group):
			found = append(found, Failed(area, fmt.Sprintf("user %s is not in group %q, and may not use %s", name,
				need.Group, need.For),
				fmt.Sprintf("sudo usermod -aG %s %s, then restart kioskd", need.Group, name)))
		default:
			found = append(found, Ok(area, fmt.Sprintf("user %s is in group %q, for %s", name, need.Group, need.For)))
		}
	}
	return found
}

// in reports whether a line of /etc/group has the user.
func in(group []string, u user) bool {
	gid, err := strconv.Atoi(group[2])
	return slices.Contains(strings.Split(group[3], ","), u.name) || err == nil && gid == u.gid && u.name != ""
}

// supplementary are the groups that a unit adds.
func supplementary(unit string) (groups []string) {
	for line := range strings.Lines(unit) {
		if names, ok := strings.CutPrefix(strings.TrimSpace(line), "SupplementaryGroups="); ok {
			groups = append(groups, strings.Fields(names)...)
		}
	}
	return groups
}

// UID is a user's number; -1 for one that /etc/passwd does not have.
func UID(r Root, name string) int {
	if u, ok := r.findUser(name); ok {
		return u.uid
	}
	return -1
}
