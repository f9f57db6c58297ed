// SPDX-License-Identifier: Apache-2.0

package scrub

import "strings"

// commonWords are words of every day and of programming, most of which are also somebody's name, a project's or a
// host's. One of them alone is looked for only where a cue says what it is: "author: will", but not "it will".
func commonWords() map[string]bool {
	words := strings.Fields(`
	a about above accept access account action active actual add added after again age ago agree air all allow almost
	alone along already also always am amount an and angle animal another answer any anyone anything api apple apply
	april area arg args argument arm army around array art as ask asset assign at august auth auto available away back
	backup bad bag baker ball bank bar base bash basic batch be bean bear beat because become bed been before begin
	behind being bell below bend berry best beta better between big bill bin bind bird bit black blank blob block blog
	blood blow blue board boat body bond bone book bool boolean boot bot both bottom bow bowl box branch bread break
	brick bridge bright bring broad brook brown browser brush bucket buffer bug build building built bus bush business
	but butler button buy by byte cache call came camp can cannot cap car card care carpenter carry carter case cash
	cast cat catch cause cell center central chain chair chance change channel char charge charm chart chase chat check
	child children choice chris church city claim class clay clean clear click client clock clone close closed cloud
	club coach code cold cole color column come command comment commit common company compare compile complete compute
	config connect console const constant contact container content context continue control cook cookie cooper copy
	core corner cost could count counter country course cover create credit crop cross crow current custom cut daily
	dark dash data database date dawn day dead deal dean debug december decide deep default define delete demo deny
	deploy depth design desk detail dev developer device diff digit dir direct disk display do doc docker document does
	dog dollar domain don done door double down draft draw dream drive driver drop dry due duke dump during dynamic each
	early earth east easy edit editor effect either element else email empty enable end engine english enter entry enum
	env equal error escape even event ever every everyone example except exception exec execute exist exit expect export
	extend extra eye face fact factor fail failed failure faith fall false family far farm farmer fast father favor
	feature february feed feel fetch few field figure file fill filter final finally find fine finish fire firm first
	fish fisher fit five fix fixed flag flat float floor flow flower fly focus fold folder follow food foot for force
	foreign fork form format forward foster found four fox frame frank free freeman french fresh friday friend from
	front full func function future game garden gate gateway general generate get gift git give given glass global go
	goal god gold golden good grace grand grant graph grass gray great green greet grey grid ground group grow guard
	guest guide had hair half hall hand handle handler happy harbor hard harper has hash have hay he head header health
	hear heart heat heavy held hello help her here hero high hill him hint his history hit hold hole home honest hook
	hope horse host hot hour house how html http huge human hundred hunt hunter hurt ice icon id idea if image impact
	import in include index info init inner input insert inside instance int integer interface internal into invalid
	iron is island issue it item its ivy jack jade january java jay job join joy jump june just keep kernel key kill
	kind king kit know label lake lamp land lane language large last late later launch law lay layer lead leaf learn
	least leave left legal len length less let letter level lib library lie life light like lily limit line link linux
	list little live load local lock log logger logic login long look loop lord loss lot love low lower luck mac machine
	mail main make manager many map march mark marker market marsh mason mass master match math matter max may me mean
	meet member memory menu merge message meta method middle might mill miller mind mine minor minute miss mobile mock
	mode model module moment monday money monitor month moon more morning most mother mouse move much must my name
	native near neck need nest net network never new news next nice night nil no noble node none noon norm normal north
	not note nothing notice november now null number object ocean october of off offer office often ok old olive on once
	one only open opera operator option or orange order origin original other our out outer output over own owner pack
	package page pair palm panel paper parent park parker parse part party pass past patch path patience pattern pause
	pay peace penny people per perfect person phase phone photo picture piece pin pine pipe place plan plane plant
	platform play player please plot plugin plus point pointer poll pool poor pop pope port position possible post pot
	potter power present press pretty price pride prime prince print prior private process prod product profile program
	project promise prompt proof proper property proxy public pull pure push put query queue quick quiet quit quite race
	rain random range rank rate raw ray reach read reader ready real reason record red reduce reed ref refer reference
	regex register release remote remove rename render repeat replace reply repo report request reset resource response
	rest result return reverse review rice rich ride right ring rise river road robin rock role roll room root rose
	round route router row rule run runner safe said sail salt same sample sand saturday save say scale scan schema
	school scope score script sea search season seat second secret section see seed self sell send sender september
	sequence serial series server service session set setup seven shadow shape share sharp she shell shift ship shirt
	shop short should show side sign signal silver simple since single site six size skip sky sleep slice slot slow
	small smart smith snow so soft some son sort sound source south space spark special speed spell split spring sql
	square stable stack staff stage standard star start state static status stay steel step still stone stop storage
	store storm story stream street string strong struct style sub subject submit success such suite sum summary summer
	sun sunday super support sure swan sweet switch symbol sync system table tag take talk target task taylor team tell
	temp template ten term terminal test tested tester testing tests text than thank thanks that the their them then
	there these they thing think third this those thread three through throw thursday time timeout tip title to today
	together token tool top total touch town trace track trade train transform tree trigger trim true try tuesday turn
	turner two type under union unique unit unix until up update upper url us use user usual util utility valid valley
	value var variable vector verify version very via video view violet virtual visit void volume wait walk walker wall
	want ward warm warn was watch water wave way we weak weaver web webb wednesday week weight welcome well west what
	when where whether which while white who whole why wide wild will win wind window winter wire wise with within
	without wolf wood woods word work worker world would wrap write writer wrong yard year yellow yes yet york you young
	your zero zone`)
	set := make(map[string]bool, len(words))
	for _, w := range words {
		set[w] = true
	}
	return set
}
