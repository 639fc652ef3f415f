/* SPDX-License-Identifier: MIT */
/** @file costate.h  The whole public interface. */
#ifndef COSTATE_COSTATE_H
#define COSTATE_COSTATE_H

#include <costate/act.h>
#include <costate/adjoint.h>
#include <costate/alloc.h>
#include <costate/ensemble.h>
#include <costate/fit.h>
#include <costate/isa.h>
#include <costate/layer.h>
#include <costate/loss.h>
#include <costate/net.h>
#include <costate/optimize.h>
#include <costate/random.h>
#include <costate/rhs.h>
#include <costate/sensitivity.h>
#include <costate/solver.h>
#include <costate/status.h>
#include <costate/version.h>

#endif
