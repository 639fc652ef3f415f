// SPDX-License-Identifier: MIT
// Pooled concentrations, elimination by a network: the likelihood is C++ (log_likelihood.hpp), the priors are Stan's.
functions {
  // p = (log ka, log V, w); rows first[j] ... first[j + 1] - 1 are those of subject j.
  real log_likelihood(vector p, real sigma, real[] conc, real[] time, int[] first, real[] dose);
}
data {
  int<lower=1> n_subject;
  int<lower=1> n_row;
  int<lower=1> n_weight;
  int<lower=1> first[n_subject + 1];
  real<lower=0> time[n_row];
  real conc[n_row];
  real<lower=0> dose[n_subject];
}
parameters {
  real log_ka;
  real log_V;
  vector[n_weight] w;
  real<lower=0> sigma;
}
model {
  log_ka ~ normal(0, 1);
  log_V ~ normal(-1, 1);
  w ~ normal(0, 2);
  sigma ~ exponential(1);
  target += log_likelihood(append_row([log_ka, log_V]', w), sigma, conc, time, first, dose);
}
