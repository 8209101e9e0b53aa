//go:build tools

// Package lnd pins the nodes that the tests run.
package lnd

import (
	_ "github.com/btcsuite/btcd"
	_ "github.com/lightningnetwork/lnd/cmd/lnd"
)
