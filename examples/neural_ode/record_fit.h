/* SPDX-License-Identifier: MIT */
/* Fits a neural ODE to a record of any length and number of states. */
#ifndef RECORD_FIT_H
#define RECORD_FIT_H

#include "command_line.h"
#include "data_record.h"
#include "fit_result.h"

/* EXIT_SUCCESS with the result, whose names are those of the record; else says why and returns EXIT_FIT. */
int record_fit(const data_record *record, const command_line *options, fit_result *result);

#endif
