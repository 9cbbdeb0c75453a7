#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { STEPS = 200000 };

static double energy(double at[5][3], double speed[5][3], const double mass[5]) {
  double e = 0.0;
  for (int64_t i = 0; i < 5; ++i) {
    e += 0.5 * mass[i] *
         (speed[i][0] * speed[i][0] + speed[i][1] * speed[i][1] + speed[i][2] * speed[i][2]);
    for (int64_t j = i + 1; j < 5; ++j) {
      const double dx = at[i][0] - at[j][0];
      const double dy = at[i][1] - at[j][1];
      const double dz = at[i][2] - at[j][2];
      e -= mass[i] * mass[j] / sqrt(dx * dx + dy * dy + dz * dz);
    }
  }
  return e;
}

int main(void) {
  double at[5][3] = {
      {0.0, 0.0, 0.0},
      {4.84143144246472090, -1.16032004402742839, -0.103622044471123109},
      {8.34336671824457987, 4.12479856412430479, -0.403523417114321381},
      {12.8943695621391310, -15.1111514016986312, -0.223307578892655734},
      {15.3796971148509165, -25.9193146099879641, 0.179258772950371181},
  };
  double speed[5][3] = {
      {-0.000387663407198742665, -0.00327590371765707162, 0.0000239357340800059651},
      {0.606326392995832003, 2.81198684491626016, -0.0252183616598876288},
      {-1.01077434617879236, 1.82566237123041186, 0.00841576137658415351},
      {1.08279100644153536, 0.868713018169608220, -0.0108326374013636358},
      {0.979090732243897977, 0.594698998647676169, -0.0347559555078104037},
  };
  const double mass[5] = {39.47841760435743, 0.03769367487038949, 0.011286326131968767,
                          0.0017237240570597112, 0.0020336868699246304};
  const double dt = 0.01;
  printf("%.17g\n", energy(at, speed, mass));
  for (int64_t step = 0; step < STEPS; ++step) {
    for (int64_t i = 0; i < 5; ++i) {
      for (int64_t j = i + 1; j < 5; ++j) {
        const double dx = at[i][0] - at[j][0];
        const double dy = at[i][1] - at[j][1];
        const double dz = at[i][2] - at[j][2];
        const double square = dx * dx + dy * dy + dz * dz;
        const double pull = dt / (square * sqrt(square));
        speed[i][0] -= dx * mass[j] * pull;
        speed[i][1] -= dy * mass[j] * pull;
        speed[i][2] -= dz * mass[j] * pull;
        speed[j][0] += dx * mass[i] * pull;
        speed[j][1] += dy * mass[i] * pull;
        speed[j][2] += dz * mass[i] * pull;
      }
    }
    for (int64_t i = 0; i < 5; ++i) {
      at[i][0] += dt * speed[i][0];
      at[i][1] += dt * speed[i][1];
      at[i][2] += dt * speed[i][2];
    }
  }
  printf("%.17g\n", energy(at, speed, mass));
  return 0;
}
