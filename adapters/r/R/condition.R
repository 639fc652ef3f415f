# SPDX-License-Identifier: MIT
# Failures of the library as conditions. Called from C.
raise <- function(status, message, detail) {
  if (status == "COSTATE_ERR_INTERRUPTED") {
    signalCondition(structure(class = c("interrupt", "condition"), list(message = message, call = NULL)))
    invokeRestart("abort")
  }
  text <- if (nzchar(detail)) paste0(message, ": ", detail) else message
  stop(structure(class = c(status, "costate_error", "error", "condition"),
                 list(message = text, call = NULL, status = status)))
}
