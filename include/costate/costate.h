/* SPDX-License-Identifier: MIT */
/** @file costate.h  The whole public interface. */
#ifndef COSTATE_COSTATE_H
#define COSTATE_COSTATE_H

#include <costate/act.h>
#include <costate/adjoint.h>
#include <costate/alloc.h>
#include <costate/batch_loss.h>
#include <costate/chain.h>
#include <costate/chain_eval.h>
#include <costate/chain_kind.h>
#include <costate/chain_train.h>
#include <costate/codegen.h>
#include <costate/collocation.h>
#include <costate/csv.h>
#include <costate/ensemble.h>
#include <costate/fit.h>
#include <costate/idx.h>
#include <costate/inference.h>
#include <costate/isa.h>
#include <costate/journal.h>
#include <costate/layer.h>
#include <costate/loss.h>
#include <costate/message.h>
#include <costate/model.h>
#include <costate/moons.h>
#include <costate/multistart.h>
#include <costate/net.h>
#include <costate/optimize.h>
#include <costate/random.h>
#include <costate/rhs.h>
#include <costate/safetensors.h>
#include <costate/sensitivity.h>
#include <costate/solver.h>
#include <costate/spline.h>
#include <costate/status.h>
#include <costate/train.h>
#include <costate/ude.h>
#include <costate/update.h>
#include <costate/version.h>

#endif
