load ../lib/live
load ../lib/broken

@test "live: a release that crashes after it answered goes back, without a migration" { broken 1.3.10 ''; }
@test "live: a release that crash-loops under a living PID 1 goes back" { broken 1.3.5 ''; }
@test "live: a release that crash-loops under a living PID 1 goes back, with its migration" { broken 1.3.9 ''; }
@test "live: a release that accepts connections and never answers goes back" { broken 1.3.6 'no good answer within 5 s'; }
