! SPDX-License-Identifier: MIT
! FUNCA of NM-TRAN: the learned rate N(X(1), X(2)) of concentration (mg/l) and body weight (kg), by costate_eval.c.
!
! FUNCA(VECTRA) in abbreviated code calls FUNCA(X, X1, X2): X holds the argument; the function's value is the result, X1(n) is
! its derivative by X(n), X2(n,m) its second derivative by X(n) and X(m), both triangles. The constant 9 is NM-TRAN's.
! The network has 2 inputs, 8 tanh units and one softplus output; paste the weights of a trained one in place of the formula.
      FUNCTION FUNCA(X, X1, X2)
        USE, INTRINSIC :: ISO_C_BINDING
        USE, INTRINSIC :: IEEE_ARITHMETIC, ONLY: IEEE_VALUE, IEEE_QUIET_NAN
        IMPLICIT NONE
        REAL(C_DOUBLE), INTENT(IN) :: X(9)
        REAL(C_DOUBLE), INTENT(INOUT) :: X1(9), X2(9, 9)
        REAL(C_DOUBLE) :: FUNCA

        ! costate_eval_layer and costate_eval_net
        TYPE, BIND(C) :: EVAL_LAYER
          INTEGER(C_SIZE_T) :: N_OUT
          INTEGER(C_INT) :: ACT, NO_BIAS
        END TYPE EVAL_LAYER
        TYPE, BIND(C) :: EVAL_NET
          INTEGER(C_SIZE_T) :: N_IN, N_LAYER
          TYPE(C_PTR) :: LAYERS
          INTEGER(C_INT) :: INPUT_ACT
          TYPE(C_PTR) :: IN_SCALE, IN_SHIFT, OUT_SCALE, OUT_SHIFT
        END TYPE EVAL_NET
        INTERFACE
          FUNCTION EVAL_HESSIAN(NET, P, X, Y, JAC, HESS, WORK, N_WORK) BIND(C, NAME="costate_eval_hessian")
            IMPORT :: C_INT, C_SIZE_T, C_DOUBLE, EVAL_NET
            TYPE(EVAL_NET), INTENT(IN) :: NET
            REAL(C_DOUBLE), INTENT(IN) :: P(*), X(*)
            REAL(C_DOUBLE), INTENT(INOUT) :: Y(*), JAC(*), HESS(*), WORK(*)
            INTEGER(C_SIZE_T), VALUE :: N_WORK
            INTEGER(C_INT) :: EVAL_HESSIAN
          END FUNCTION EVAL_HESSIAN
        END INTERFACE

        INTEGER, PARAMETER :: N_IN = 2, N_HIDDEN = 8, N_PARAM = 33, TANH_ACT = 1, SOFTPLUS_ACT = 6
        INTEGER :: K, I, J
        TYPE(EVAL_LAYER), TARGET, SAVE :: LAYERS(2) = [EVAL_LAYER(N_HIDDEN, TANH_ACT, 0), EVAL_LAYER(1, SOFTPLUS_ACT, 0)]
        REAL(C_DOUBLE), TARGET, SAVE :: IN_SCALE(N_IN) = [0.1_C_DOUBLE, 1.0_C_DOUBLE/70.0_C_DOUBLE]
        REAL(C_DOUBLE), TARGET, SAVE :: IN_SHIFT(N_IN) = [0.0_C_DOUBLE, -1.0_C_DOUBLE]
        REAL(C_DOUBLE), PARAMETER :: P(N_PARAM) = [(0.5_C_DOUBLE*SIN(1.0_C_DOUBLE + 0.7_C_DOUBLE*K), K=0, N_PARAM - 1)]
        REAL(C_DOUBLE) :: Y(1), JAC(N_IN), HESS(N_IN*N_IN), WORK(128)
        TYPE(EVAL_NET) :: NET

        NET = EVAL_NET(N_IN, 2, C_LOC(LAYERS), 0, C_LOC(IN_SCALE), C_LOC(IN_SHIFT), C_NULL_PTR, C_NULL_PTR)
        X1 = 0.0_C_DOUBLE
        X2 = 0.0_C_DOUBLE
        IF (EVAL_HESSIAN(NET, P, X, Y, JAC, HESS, WORK, SIZE(WORK, KIND=C_SIZE_T)) /= 0) THEN
          FUNCA = IEEE_VALUE(FUNCA, IEEE_QUIET_NAN)
          RETURN
        END IF
        FUNCA = Y(1)
        X1(1:N_IN) = JAC
        DO J = 1, N_IN
          DO I = 1, N_IN
            X2(I, J) = HESS(I + N_IN*(J - 1))
          END DO
        END DO
      END FUNCTION FUNCA
