package desk

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"kioskd/internal/hub/monitoring"
	"kioskd/internal/hub/people"
)

// UsersFile is where the users are when nothing else is said.
const UsersFile = "/etc/kioskhub/users.json"

// Commands are kioskhub's commands for the desk: user and monitoring.
func Commands() []*cobra.Command { return []*cobra.Command{userCommand(), monitoringCommand()} }

func monitoringCommand() *cobra.Command {
	var folder string
	c := &cobra.Command{Use: "monitoring", Short: "Write alert rules for Prometheus and a dashboard for Grafana",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			written, err := monitoring.Write(folder)
			for _, path := range written {
				fmt.Fprintln(c.OutOrStdout(), path)
			}
			return err
		}}
	c.Flags().StringVar(&folder, "dir", ".", "where to; files of the same name are replaced")
	return c
}

func userCommand() *cobra.Command {
	var path string
	c := &cobra.Command{Use: "user", Short: "Say who may sign in at the desk by name and password"}
	c.PersistentFlags().StringVar(&path, "users", UsersFile, "the file of users: [desk] users in the config")
	c.AddCommand(addCommand(&path), &cobra.Command{
		Use: "remove NAME", Short: "Take a user away; sessions end at once", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			u, err := people.OpenUsers(path)
			if err != nil {
				return err
			}
			return u.Remove(args[0])
		}}, &cobra.Command{
		Use: "list", Short: "Name the users and their roles", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			u, err := people.OpenUsers(path)
			if err != nil {
				return err
			}
			all, err := u.All()
			for _, one := range all {
				fmt.Fprintf(c.OutOrStdout(), "%-20s %v\n", one.Name, one.Role)
			}
			return err
		}})
	return c
}

func addCommand(path *string) *cobra.Command {
	var role string
	c := &cobra.Command{Use: "add NAME --role look|operate|admin",
		Short: "Add a user, or give one another role and password",
		Long: "Add a user, or give one another role and password. The password is asked for twice on a terminal, and " +
			"otherwise read from standard input: one line. Sessions that the user has end at once.\n\n" +
			"look sees all, operate also sends commands and changes one machine's prices, admin also those of a group and " +
			"of all, and settles sales by hand.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			as, err := people.ParseRole(role)
			if err != nil {
				return fmt.Errorf("--role: %w", err)
			}
			u, err := people.OpenUsers(*path)
			if err != nil {
				return err
			}
			password, err := askPassword(c.InOrStdin(), c.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := u.Set(args[0], as, password); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s may sign in with the role %v\n", args[0], as)
			return nil
		}}
	c.Flags().StringVar(&role, "role", "", "look, operate or admin")
	return c
}

// askPassword reads a password that may be chosen.
func askPassword(in io.Reader, out io.Writer) (string, error) {
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
		if err != nil && !(errors.Is(err, io.EOF) && line != "") {
			return "", fmt.Errorf("no password on standard input: %w", err)
		}
		line = strings.TrimRight(line, "\r\n")
		return line, people.CheckPassword(line)
	}
	fmt.Fprint(out, "Password: ")
	first, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(out)
	if err != nil {
		return "", err
	}
	if err := people.CheckPassword(string(first)); err != nil {
		return "", err
	}
	fmt.Fprint(out, "Once more: ")
	second, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(out)
	if err != nil {
		return "", err
	}
	if string(first) != string(second) {
		return "", errors.New("the two are not the same: nothing was changed")
	}
	return string(first), nil
}
