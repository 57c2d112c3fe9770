package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"funai/model/catalogue"
)

// completeTimeout is how long a person waits after Tab.
const completeTimeout = time.Second

// catalogueNames completes names of models that can be downloaded.
func catalogueNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var all []string
	for _, m := range catalogue.List() {
		all = append(all, cobra.CompletionWithDesc(m.Name, m.Description))
	}
	return all, cobra.ShellCompDirectiveDefault // or a path
}

// completeModels completes the flags of commands that run models.
func completeModels(cmd *cobra.Command, flag string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, catalogueNames) // the flag is there
}

// completeServed completes names of models that a running node offers.
func (a *app) completeServed(t *target) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completeTimeout)
		defer cancel()
		c, err := a.dial(*t, false)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer c.Close()
		list, err := c.Models(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var all []string
		for _, m := range list {
			all = append(all, m.ID)
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}
