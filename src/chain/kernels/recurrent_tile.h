/* SPDX-License-Identifier: MIT */
/* The recurrent layers. Part of chain_kernels.c. */
#ifndef CSI_RECURRENT_TILE_H
#define CSI_RECURRENT_TILE_H

#include "chain/kernels/gru_tile.h"
#include "chain/kernels/lstm_tile.h"
#include "chain/kernels/rnn_tile.h"

#endif
