load ../lib/live
load ../lib/broken

@test "live: a release that crashes after it answered goes back, without a migration" { broken 1.3.10 ''; }
@test "live: a release that crash-loops under a living PID 1 goes back" { broken 1.3.5 ''; }
@test "live: a release that crash-loops under a living PID 1 goes back, with its migration" { broken 1.3.9 ''; }
@test "live: a release that accepts connections and never answers goes back" { broken 1.3.6 'no good answer within 5 s'; }

@test "live: without an address to ask, a crash loop under a living PID 1 shows by its processes" {
	remember
	SLIPWAY_UPDATE__HEALTH__URL='' SLIPWAY_UPDATE__HEALTH__SOAK=6 run -111 --separate-stderr update --version 1.3.5
	[[ "$stderr" == *"is started again and again inside the container"* ]] || { echo "$stderr"; return 1; }
	assert_as_before
}
